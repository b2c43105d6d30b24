"""Whether a run can be selected by: what is compared is reported, and runs may go on from rung to rung."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.artifacts.genotypes import search_folders
from orchestrator.checkpoints.object_store import ObjectStoreCopy
from orchestrator.cluster.launch import launch
from orchestrator.cluster.session import ray_cluster
from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import Experiment
from orchestrator.config.selection import SelectStage
from orchestrator.console.console import Console
from orchestrator.jobs.driver_lock import sole_driver
from orchestrator.jobs.identity import identity
from orchestrator.jobs.job import Job
from orchestrator.selection.candidates import Named, collect
from orchestrator.selection.journal import SCORES_FILE, Remembered, open_journal, write_ranking
from orchestrator.selection.live import (
    Launch,
    LiveCurves,
    Train,
    keep_generators,
    one_after_another,
    side_by_side,
    trial_of,
)
from orchestrator.selection.policy import SelectionError
from orchestrator.selection.policy import select as compare
from orchestrator.selection.render import render
from orchestrator.selection.result import Candidate, Request, Selection
from orchestrator.stages.results import MERGED, GenotypeFile, RunIdentity, write_result
from orchestrator.stages.train import Session, run_identity, tracked, write_genotypes
from orchestrator.tracking import TrackedRun
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
    if retrain.lr_decay != "none":
        raise ConfigError(
            f"retrain.lr_decay = {retrain.lr_decay}: runs that go on from rung to rung need constant rates; "
            "use none, or --select null"
        )
    if retrain.discriminator.architecture != "fixed":
        raise ConfigError(
            f"retrain.discriminator.architecture = {retrain.discriminator.architecture}: candidates are "
            "compared against the same discriminator; use fixed, or --select null"
        )
    if select.rungs[-1] > retrain.steps:
        raise ConfigError(
            f"select.rungs: {select.rungs[-1]} is beyond retrain.steps = {retrain.steps}; use earlier rungs, "
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


@dataclass(frozen=True)
class Contest:
    """Who is compared, and how."""

    select: SelectStage
    candidates: Mapping[str, Named]
    recipe: Mapping[str, Any]
    """What decides a score besides genotype, seed and step: dotted name -> JSON value."""

    @property
    def deciding(self) -> dict[str, Any]:
        """All that the choice depends on."""
        return {
            **self.recipe,
            "select": self.select.model_dump(mode="json", exclude={"concurrent"}),
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
    return select_in(session, contest_of(session, searched[-1] if searched else None))


def contest_of(session: Session, own: Path | None) -> Contest:
    """The selection of a session; `own` is the folder of its own search.

    Raises:
        ConfigError: the configuration does not fit, or names nobody.
    """
    experiment = session.experiment
    config = select_stage(experiment)
    candidates = collect(config, experiment.root, own, experiment.seed)
    trial = identity(Job("retrain", trial_of(experiment, 0, config.rungs[0]), {}, session.folder))
    evaluation = experiment.retrain.evaluation.model_dump(mode="json", exclude={"every", "batch_size"})
    scoring = {f"retrain.evaluation.{name}": value for name, value in evaluation.items()}
    return Contest(config, candidates, {**trial, "seed": experiment.seed, **scoring})


def select_in(session: Session, contest: Contest, launch: Launch = launch) -> Selected:
    """Do the selection of a session; one that was interrupted goes on with the scores it has.

    Raises:
        SelectionError: everyone diverged.
        UserError: scores are there already that were made with another recipe.
    """
    folder, config = session.folder / "select", contest.select
    with (
        sole_driver(folder),
        _trainings(session, config, launch) as train,
        tracked(session, "select", config.model_dump(mode="json")) as run,
    ):
        mirror = session.experiment.mirror
        copy = ObjectStoreCopy(mirror, session.experiment.root, folder) if mirror else None
        journal = open_journal(folder, contest.recipe, copy)
        live = LiveCurves(
            session.experiment, contest.candidates, folder, config.metric, journal, session.console, train
        )
        selection = compare(_entered(contest, session.experiment.seed), Remembered(live, journal), config)
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


def _entered(contest: Contest, seed: int) -> list[Candidate]:
    """Every candidate gets the same seeds, from the run's own on."""
    config = contest.select
    runs = max(config.most_repeats_at(rung) for rung in range(len(config.rungs)))
    seeds = tuple(range(seed, seed + runs))
    return [Candidate(id, seeds, name) for id, (name, _) in contest.candidates.items()]


def _result(
    session: Session, run: TrackedRun, selection: Selection, live: LiveCurves, files: Mapping[str, Path]
) -> Selected:
    if selection.choice is None:
        raise SelectionError(
            f"select: {selection.reason}; try other candidates or lower learning rates in retrain"
        )
    name, genotype = live.candidates[selection.choice]
    best = selection.ranking[0]
    newest = live.job(Request(selection.choice, best.seeds[0], best.step)).checkpoints.latest()
    metrics = {live.metric: best.mean, "steps_trained": float(selection.steps_trained)}
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
        selection=files["selection"],
        ranking=files["ranking"],
        scores=live.folder / SCORES_FILE,
    )
