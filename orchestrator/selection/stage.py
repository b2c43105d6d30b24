"""`advnas select`: trains the candidates as the policy asks, then records and ships the choice."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from orchestrator.artifacts.cost import generator_parameters
from orchestrator.artifacts.resolve import search_folders
from orchestrator.checkpoints.claim import sole_owner
from orchestrator.checkpoints.stored_folder import copy_of
from orchestrator.cluster.launch import launch
from orchestrator.cluster.session import ray_cluster
from orchestrator.config.experiment import Experiment
from orchestrator.config.selection import SelectStage
from orchestrator.console.console import Console
from orchestrator.jobs.job import Launch, heard
from orchestrator.selection import policy
from orchestrator.selection.candidates import Named, within_limits
from orchestrator.selection.journal import SCORES_FILE, Remembered, open_journal, write_ranking
from orchestrator.selection.live import (
    LiveCurves,
    Train,
    one_after_another,
    side_by_side,
)
from orchestrator.selection.mlflow_writer import TrainingsWriter, recording
from orchestrator.selection.plan import SelectionPlan, plan_of, select_stage
from orchestrator.selection.render import render
from orchestrator.selection.result import Candidate, Selection, SelectionError
from orchestrator.selection.shipping import Shipped, front, keep_generators, ship
from orchestrator.stages.preview import preview
from orchestrator.stages.results import MERGED, GenotypeFile, RunIdentity, write_result
from orchestrator.stages.session import Session, run_identity, tracked
from orchestrator.stages.train import write_genotypes
from orchestrator.tracking import TrackedRun


@dataclass(frozen=True)
class Selected:
    """A finished selection."""

    run: RunIdentity = field(metadata=MERGED)
    choice: str
    """The name of the chosen candidate."""
    metrics: Mapping[str, float | None]
    """The score of the choice, and the cost of the selection."""
    genotypes: Mapping[str, GenotypeFile]
    shipped: Shipped | None = field(metadata=MERGED)
    """The finished generator; None if the last rung is before the end of the training."""
    pareto_front: Mapping[str, Mapping[str, float | None]]
    """Score and parameters of each candidate on the front of the two."""
    selection: Path
    """The file with the whole selection as JSON."""
    ranking: Path
    """The file with its rows as Parquet."""
    scores: Path
    """The journal, which can be replayed."""
    reliability: str | None
    """A sentence about differences that its runs cannot show; None if the recipe was not measured."""


def select(experiment: Experiment, console: Console) -> Selected:
    """Choose one of many genotypes by short trainings."""
    config = select_stage(experiment)
    session = Session.begin(experiment, console)
    searched = [] if config.searches else search_folders(session.folder)
    plan = plan_of(session, searched[-1] if searched else None)
    preview(session.experiment, session.folder, console, "retrain")
    return select_in(session, plan)


def select_in(session: Session, plan: SelectionPlan, launch: Launch = launch) -> Selected:
    """Do the selection of a session; one that was interrupted goes on with the scores it has.

    Raises:
        SelectionError: everyone diverged.
        UserError: scores are there already that were made with another recipe.
    """
    folder, config = session.folder / "select", plan.select
    with (
        sole_owner(session.experiment, folder),
        _trainings(session, config, launch) as train,
        tracked(session, "select", config.model_dump(mode="json")) as run,
    ):
        precision = session.experiment.compute.precision
        journal = open_journal(folder, plan.identity, copy_of(session.experiment, folder), precision)
        candidates = _within_limits(session, plan, folder)
        writer = TrainingsWriter(session, run, candidates, config.metric)
        entered = _entered(candidates, config, session.experiment.seed)
        live = LiveCurves(
            session.experiment, candidates, folder, config.metric, journal, session.console,
            writer.written(train), partial(policy.remaining, entered, config=config),
        )  # fmt: skip
        with writer.writing():
            selection = policy.select(entered, Remembered(live, journal), config)
        session.console.show(render(selection))
        limit = plan.known.quoted(selection.fewest_runs) if plan.known and selection.choice else None
        if limit:
            session.console.say(limit)
        files = write_ranking(selection, folder)
        for file in (*files.values(), folder / SCORES_FILE):
            run.artifact(file.name, file.read_bytes())
        result = _result(session, run, selection, live, files, limit)
        write_result(folder, result)
        keep_generators(live, selection)
    return result


@contextmanager
def _trainings(session: Session, config: SelectStage, launch: Launch) -> Iterator[Train]:
    """The function that trains candidates, and a running Ray if several train at once."""
    if config.concurrent == 1:
        yield one_after_another(heard(launch, recording), session.console)
        return
    with ray_cluster(session.experiment.cluster, session.experiment.name):
        yield side_by_side(session.experiment.cluster, config.concurrent, listen=recording)


def _within_limits(session: Session, plan: SelectionPlan, folder: Path) -> Mapping[str, Named]:
    """The candidates within the limits. The number of others is printed."""
    experiment = session.experiment
    candidates = within_limits(
        plan.candidates, plan.select, experiment.retrain.generator, folder, experiment.seed,
        experiment.search.space,
    )  # fmt: skip
    if beyond := len(plan.candidates.keys() - candidates.keys()):
        anew = len(candidates.keys() - plan.candidates.keys())
        drawn = f"; random ones drawn anew: {anew}" if anew else ""
        session.console.say(f"select: {beyond} of {len(plan.candidates)} candidates exceed a limit{drawn}")
    return candidates


def _entered(candidates: Mapping[str, Named], config: SelectStage, seed: int) -> list[Candidate]:
    """Every candidate gets the same seeds, from the run's own on."""
    runs = max(config.most_repeats_at(rung) for rung in range(len(config.steps)))
    seeds = tuple(range(seed, seed + runs))
    return [Candidate(id, seeds, name) for id, (name, _) in candidates.items()]


def _result(
    session: Session,
    run: TrackedRun,
    selection: Selection,
    live: LiveCurves,
    files: Mapping[str, Path],
    limit: str | None,
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
    size = generator_parameters(session.experiment.retrain.generator, genotype)
    newest = live.job(best).checkpoints.latest()
    run.genotypes({"generator": genotype})
    run.scores(
        {key: value for key, value in metrics.items() if value is not None} | {"parameters": size},
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
        reliability=limit,
    )
