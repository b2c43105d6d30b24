"""Running the trainings of a grid that the journal lacks, in this process or as tasks on Ray."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from orchestrator.artifacts.generators import GENERATOR_FILE
from orchestrator.checkpoints.stored_folder import copy_of
from orchestrator.cluster.session import ray_cluster
from orchestrator.config.identity import IDENTITY_FILE
from orchestrator.console.console import Console
from orchestrator.jobs.job import Job, Launch, Outcome, heard
from orchestrator.selection.journal import require_same_identity
from orchestrator.selection.live import Run, Train, one_after_another, side_by_side
from orchestrator.stages.session import Session
from orchestrator.trainings.grid import Grid
from orchestrator.trainings.runs import RUNS_FILE, EndedRun, RunJournal, ended, listening
from trainers.guarded_step import NonFiniteLoss


@contextmanager
def trainings(session: Session, stage: str, concurrent: int | None, launch: Launch) -> Iterator[Train]:
    """How genotypes are trained, and Ray for as long where several are at once; None: as many as it holds."""
    if concurrent == 1:
        yield one_after_another(heard(launch, listening), session.console)
        return
    with ray_cluster(session.experiment.cluster, session.experiment.name):
        yield side_by_side(session.experiment.cluster, concurrent, stage, listening)


def open_journal(grid: Grid, recipe: Mapping[str, Any]) -> RunJournal:
    """The trainings so far, those of the folder's copy where it is new here.

    Raises:
        ConfigError: they were made with another recipe.
    """
    if copy := copy_of(grid.experiment, grid.folder):
        copy.fetch_files(RUNS_FILE, IDENTITY_FILE)
    require_same_identity(grid.folder, recipe, grid.stage, grid.experiment.compute.precision)
    send = (lambda: copy.send_files(RUNS_FILE, IDENTITY_FILE)) if copy else (lambda: None)
    return RunJournal(grid.folder / RUNS_FILE, send)


def train_missing(
    grid: Grid,
    journal: RunJournal,
    train: Train,
    console: Console,
    metric: str,
    keep: Callable[[Job], None] = lambda _: None,
) -> None:
    """Do the trainings that the journal lacks. `keep` saves what a training leaves besides its scores.

    Killed at any point, the same call goes on: a training that is not in the journal has its checkpoint.
    """
    missing = [run for run in grid.runs() if run.request[:2] not in journal.known]
    for run, outcome in train(missing):
        diverged = str(outcome) if isinstance(outcome, NonFiniteLoss) else None
        protocol = outcome.protocol if isinstance(outcome, Outcome) else {}
        done = ended(run.job, run.request.genotype, diverged, protocol)
        if not diverged:
            keep(run.job)
            if run.job.copy and (run.job.folder / GENERATOR_FILE).is_file():
                # Whoever finds the training in the journal, on any machine, does not make it again.
                run.job.copy.send_files(GENERATOR_FILE)
        journal.record(done)
        console.say(f"{run.title}: {_end(done, run, metric)}")
        if run.job.checkpoints.latest():  # what was kept is all that is needed; it holds optimizers too
            run.job.clear_checkpoints()


def _end(done: EndedRun, run: Run, metric: str) -> str:
    if done.diverged:
        return f"diverged, {done.diverged}"
    return f"{metric} {done.curve(metric, [run.request.step])[0]:.4g}"
