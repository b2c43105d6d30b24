"""`advnas reliability`: random genotypes trained with several seeds, and what that says about the recipe."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from orchestrator.checkpoints.object_store import ObjectStoreCopy
from orchestrator.cluster.launch import launch
from orchestrator.cluster.session import ray_cluster
from orchestrator.config.experiment import Experiment
from orchestrator.config.identity import IDENTITY_FILE
from orchestrator.config.reliability import ReliabilityConfig
from orchestrator.console.console import Console
from orchestrator.jobs.job import Emit, Job, Outcome
from orchestrator.reliability.advice import advice
from orchestrator.reliability.plan import Plan, reliability_config
from orchestrator.reliability.render import render
from orchestrator.reliability.results import summary, write_files
from orchestrator.reliability.runs import (
    RUNS_FILE,
    EndedRun,
    RunJournal,
    curves_of,
    ended,
    listening,
)
from orchestrator.selection.journal import require_same_identity
from orchestrator.selection.live import Launch, Train, one_after_another, side_by_side
from orchestrator.stages.results import MeasuredReliability, RunIdentity, write_result
from orchestrator.stages.train import Session, run_identity, tracked
from orchestrator.yardstick.known import STAGE
from orchestrator.yardstick.measured import measure
from trainers.guarded_step import NonFiniteLoss
from trainers.locks import sole_driver
from trainers.metrics.specs import lower_is_better


def reliability(experiment: Experiment, console: Console) -> MeasuredReliability:
    """Measure how far the recipe of `retrain` tells genotypes apart."""
    config = reliability_config(experiment)
    return reliability_in(Session.begin(experiment, console), config)


def reliability_in(
    session: Session, config: ReliabilityConfig, launch: Launch = launch
) -> MeasuredReliability:
    """The measurement of a session; one that was interrupted goes on with the trainings it has.

    More genotypes or seeds extend one that has ended.

    Raises:
        ReliabilityError: too few genotypes came to scores.
        UserError: trainings are there already that were made with another recipe.
    """
    plan = Plan(session.experiment, config, session.folder / STAGE)
    with (
        sole_driver(plan.folder),
        _trainings(session, config, launch) as train,
        tracked(session, STAGE, config.model_dump(mode="json")) as run,
    ):
        journal = _open_journal(plan)
        protocol = _train_missing(plan, journal, train, session.console)
        result = _conclude(plan, journal, run_identity(session, run), session.console)
        for file in (result.scores, result.figures, result.drawing):
            run.artifact(file.name, file.read_bytes())
        run.scores(result.metrics, protocol)
        run.tag({"advnas.reliability": result.sentence})
        write_result(plan.folder, result)
        run.artifact("result.json", (plan.folder / "result.json").read_bytes())
    return result


def _conclude(plan: Plan, journal: RunJournal, run: RunIdentity, console: Console) -> MeasuredReliability:
    """What the trainings come to: shown, and left as files."""
    config = plan.config
    curves = curves_of(journal.known, list(plan.genotypes), plan.seeds, plan.steps, config.metric)
    lower = lower_is_better(config.metric)
    measured = measure(curves, plan.steps, config.metric, lower, config.collapse_multiple)
    changes = advice(measured, plan.experiment.retrain)
    console.show(render(measured, changes))
    files = write_files(plan, journal.known, measured, curves)
    return MeasuredReliability(run, summary(measured), measured.sentence, tuple(changes), **files)


@contextmanager
def _trainings(session: Session, config: ReliabilityConfig, launch: Launch) -> Iterator[Train]:
    """How genotypes are trained, and Ray for as long where several are at once."""
    if config.concurrent == 1:
        yield one_after_another(_heard(launch), session.console)
        return
    with ray_cluster(session.experiment.cluster):
        yield side_by_side(session.experiment.cluster, config.concurrent, STAGE, listening)


def _heard(launch: Launch) -> Launch:
    """The same, with the scores of each training written down."""

    def launch_heard(job: Job, emit: Emit) -> Outcome:
        keep = listening(job)

        def both(report: Any) -> None:
            keep(report)
            emit(report)

        return launch(job, both)

    return launch_heard


def _open_journal(plan: Plan) -> RunJournal:
    """The trainings so far, those of the folder's copy where it is new here."""
    mirror = plan.experiment.mirror
    copy = ObjectStoreCopy(mirror, plan.experiment.root, plan.folder) if mirror else None
    if copy:
        copy.fetch_files(RUNS_FILE, IDENTITY_FILE)
    require_same_identity(plan.folder, plan.recipe, STAGE)
    send = (lambda: copy.send_files(RUNS_FILE, IDENTITY_FILE)) if copy else (lambda: None)
    return RunJournal(plan.folder / RUNS_FILE, send)


def _train_missing(plan: Plan, journal: RunJournal, train: Train, console: Console) -> Mapping[str, str]:
    """Do the trainings that the journal lacks; gives what their scores must share to be compared."""
    missing = [run for run in plan.runs() if run.request[:2] not in journal.known]
    protocol: Mapping[str, str] = {}
    for run, outcome in train(missing):
        diverged = str(outcome) if isinstance(outcome, NonFiniteLoss) else None
        done = ended(run.job, run.request.genotype, diverged)
        journal.record(done)
        if isinstance(outcome, Outcome):
            protocol = outcome.protocol
        console.say(f"{run.title}: {_end(done, plan)}")
        if run.job.checkpoints.latest():  # its curve is all that is needed; it holds optimizers too
            run.job.checkpoints.clear()
    return protocol


def _end(run: EndedRun, plan: Plan) -> str:
    if run.diverged:
        return f"diverged, {run.diverged}"
    return f"{plan.config.metric} {run.curve(plan.config.metric, plan.steps[-1:])[0]:.4g}"
