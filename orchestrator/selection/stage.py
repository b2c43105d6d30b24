"""Whether a run can be selected by: what is compared is reported, and runs may go on from rung to rung."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.artifacts.resolve import search_folders
from orchestrator.checkpoints.object_store import ObjectStoreCopy
from orchestrator.cluster.launch import launch
from orchestrator.cluster.session import ray_cluster
from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import Experiment
from orchestrator.config.selection import THIRD, SelectStage
from orchestrator.console.console import Console
from orchestrator.jobs.identity import identity
from orchestrator.jobs.job import Job
from orchestrator.selection import policy
from orchestrator.selection.candidates import Named, collect, within_limits
from orchestrator.selection.journal import SCORES_FILE, Remembered, open_journal, write_ranking
from orchestrator.selection.live import (
    Launch,
    LiveCurves,
    Train,
    one_after_another,
    side_by_side,
    trial_of,
)
from orchestrator.selection.render import render
from orchestrator.selection.result import Candidate, Selection, SelectionError
from orchestrator.selection.shipping import Shipped, front, keep_generators, ship
from orchestrator.stages.results import MERGED, GenotypeFile, RunIdentity, write_result
from orchestrator.stages.train import Session, run_identity, tracked, write_genotypes
from orchestrator.tracking import TrackedRun
from trainers.locks import sole_driver
from trainers.metrics.specs import lower_is_better, score_names

FIRST = "score"
"""Stands for the first metric of the evaluation."""


def select_stage(experiment: Experiment) -> SelectStage:
    """The selection of a run, with its metric by the name that is reported.

    Raises:
        ConfigError: there is none, or it does not fit the retraining.
    """
    select, retrain = experiment.select, experiment.retrain
    if select is None:
        raise ConfigError("select = null: give rungs to compare at, as in --select.rungs '[100, 300]'")
    if retrain.discriminator.architecture != "fixed":
        raise ConfigError(
            f"retrain.discriminator.architecture = {retrain.discriminator.architecture}: candidates are "
            "compared against the same discriminator; use fixed, or --select null"
        )
    select = policy.settle(select, lambda share: max(1, round(share * retrain.steps)))
    if select.steps[-1] > retrain.steps:
        raise ConfigError(
            f"select.rungs: {select.steps[-1]} is beyond retrain.steps = {retrain.steps}; use earlier rungs, "
            "or --select null"
        )
    reported = score_names(retrain.evaluation)
    metric = next(iter(reported)) if select.metric == FIRST else select.metric
    if metric not in reported:
        raise ConfigError(
            f"select.metric = {metric}: not in retrain.evaluation.metrics; use {', '.join(reported)}"
        )
    lower = lower_is_better(metric)
    if lower != select.lower_is_better:
        raise ConfigError(
            f"select.lower_is_better = {str(select.lower_is_better).lower()}: of {metric} it is "
            f"{str(lower).lower()}"
        )
    return select.model_copy(update={"metric": metric})


LATER = ("policy", "batch", "max_parameters", "max_multiply_adds", "max_latency")
"""Options that selections of earlier versions did not have; unless they are used they decide nothing."""


@dataclass(frozen=True)
class SelectionPlan:
    """Who is compared, and how."""

    select: SelectStage
    candidates: Mapping[str, Named]
    identity: Mapping[str, Any]
    """What decides a score besides genotype, seed and step: dotted name -> JSON value."""

    @property
    def deciding(self) -> dict[str, Any]:
        """All that the choice depends on."""
        select = self.select.model_dump(mode="json", exclude={"concurrent", "retrain"})
        if select["keep"] is None:  # what null stands for was the default of earlier versions
            select["keep"] = list(THIRD)
        later = {name for name in LATER if select[name] == type(self.select).model_fields[name].default}
        return {
            **self.identity,
            "select": {name: value for name, value in select.items() if name not in later},
            "candidates": sorted(self.candidates),
        }


@dataclass(frozen=True)
class Selected:
    """A finished selection."""

    run: RunIdentity = field(metadata=MERGED)
    choice: str
    """The candidate's name."""
    metrics: Mapping[str, float | None]
    """Its score, and what the selection cost."""
    genotypes: Mapping[str, GenotypeFile]
    shipped: Shipped | None = field(metadata=MERGED)
    """None where the last rung is before the end of the training."""
    pareto_front: Mapping[str, Mapping[str, float | None]]
    """Score and parameters of each candidate on the front of the two."""
    selection: Path
    """All of it as JSON."""
    ranking: Path
    """Its rows as Parquet."""
    scores: Path
    """The journal, which can be replayed."""


def select(experiment: Experiment, console: Console) -> Selected:
    """Choose one of many genotypes by short trainings."""
    config = select_stage(experiment)
    session = Session.begin(experiment, console)
    searched = [] if config.searches else search_folders(session.folder)
    return select_in(session, plan_of(session, searched[-1] if searched else None))


def plan_of(session: Session, own: Path | None) -> SelectionPlan:
    """The selection of a session; `own` is the folder of its own search.

    Raises:
        ConfigError: the configuration does not fit, or names nobody.
    """
    experiment = session.experiment
    config = select_stage(experiment)
    candidates = collect(config, experiment.root, own, experiment.seed, experiment.search.space)
    trial = identity(Job("retrain", trial_of(experiment, 0, config.steps[0]), {}, session.folder))
    evaluation = experiment.retrain.evaluation.model_dump(mode="json", exclude={"every", "batch_size"})
    scoring = {f"retrain.evaluation.{name}": value for name, value in evaluation.items()}
    return SelectionPlan(config, candidates, {**trial, "seed": experiment.seed, **scoring})


def select_in(session: Session, plan: SelectionPlan, launch: Launch = launch) -> Selected:
    """Do the selection of a session; one that was interrupted goes on with the scores it has.

    Raises:
        SelectionError: everyone diverged.
        UserError: scores are there already that were made with another recipe.
    """
    folder, config = session.folder / "select", plan.select
    with (
        sole_driver(folder),
        _trainings(session, config, launch) as train,
        tracked(session, "select", config.model_dump(mode="json")) as run,
    ):
        mirror = session.experiment.mirror
        copy = ObjectStoreCopy(mirror, session.experiment.root, folder) if mirror else None
        journal = open_journal(folder, plan.identity, copy)
        candidates = within_limits(plan.candidates, config, session.experiment.retrain.generator, folder)
        if beyond := len(plan.candidates) - len(candidates):
            session.console.say(f"select: {beyond} of {len(plan.candidates)} candidates exceed a limit")
        live = LiveCurves(
            session.experiment, candidates, folder, config.metric, journal, session.console, train
        )
        selection = policy.select(
            _entered(candidates, config, session.experiment.seed), Remembered(live, journal), config
        )
        session.console.show(render(selection))
        files = write_ranking(selection, folder)
        for file in (*files.values(), folder / SCORES_FILE):
            run.artifact(file.name, file.read_bytes())
        result = _result(session, run, selection, live, files)
    write_result(folder, result)
    keep_generators(live, selection)
    return result


@contextmanager
def _trainings(session: Session, config: SelectStage, launch: Launch) -> Iterator[Train]:
    """How candidates are trained, and Ray for as long where several are at once."""
    if config.concurrent == 1:
        yield one_after_another(launch, session.console)
        return
    with ray_cluster(session.experiment.cluster):
        yield side_by_side(session.experiment.cluster, config.concurrent)


def _entered(candidates: Mapping[str, Named], config: SelectStage, seed: int) -> list[Candidate]:
    """Every candidate gets the same seeds, from the run's own on."""
    runs = max(config.most_repeats_at(rung) for rung in range(len(config.steps)))
    seeds = tuple(range(seed, seed + runs))
    return [Candidate(id, seeds, name) for id, (name, _) in candidates.items()]


def ships(experiment: Experiment) -> bool:
    """Whether the selection ends with the finished generator, so that nothing is left to train.

    Raises:
        ConfigError: it should, and its last rung is before the end of the training.
    """
    select, steps = select_stage(experiment), experiment.retrain.steps
    finishes = select.steps[-1] == steps
    if select.retrain is False and not finishes:
        raise ConfigError(
            f"select.retrain = false: the last rung is step {select.steps[-1]} of {steps}; end "
            f"select.rungs with {steps} or 1.0, or use null"
        )
    return finishes and not select.retrain


def _result(
    session: Session, run: TrackedRun, selection: Selection, live: LiveCurves, files: Mapping[str, Path]
) -> Selected:
    best = selection.best_run
    if selection.choice is None or best is None:
        raise SelectionError(
            f"select: {selection.reason}; try other candidates or lower learning rates in retrain"
        )
    finished = best.step == session.experiment.retrain.steps
    # What is shipped is a training, luck and all; an architecture to train again is chosen by its mean.
    chosen = best.genotype if finished else selection.choice
    name, genotype = live.candidates[chosen]
    scored = {each.genotype: each for each in selection.ranking if each.mean is not None and each.is_sound}
    score = scored[chosen].scores[scored[chosen].seeds.index(best.seed)] if finished else scored[chosen].mean
    metrics = {live.metric: score, "steps_trained": float(selection.steps_trained)}
    newest = live.job(best).checkpoints.latest()
    run.genotypes({"generator": genotype})
    run.scores(
        {key: value for key, value in metrics.items() if value is not None},
        newest.meta.protocol if newest else {},
    )
    run.tag({"advnas.choice": name, "advnas.reason": selection.reason})
    return Selected(
        run_identity(session, run),
        choice=name,
        metrics=metrics,
        genotypes=write_genotypes(live.folder, {"generator": genotype}),
        shipped=ship(live, best, run) if finished else None,
        pareto_front=front(selection, live),
        selection=files["selection"],
        ranking=files["ranking"],
        scores=live.folder / SCORES_FILE,
    )
