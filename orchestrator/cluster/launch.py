"""Running a job in this process or on Ray Train workers. The caller sees no difference."""

from collections.abc import Callable

from orchestrator.jobs.identity import require_same
from orchestrator.jobs.job import Emit, Job, Outcome
from orchestrator.jobs.worker import run_worker
from trainers.compute import device_for
from trainers.interruption import interruptible, raise_if_interrupted
from trainers.locks import sole_driver
from trainers.report import Report


def launch(job: Job, emit: Emit) -> Outcome:
    """Do a job, going on from its newest checkpoint; one that is finished is not done again.

    `emit` is called in this thread. Ctrl-C, SIGTERM or whatever else it raises ends the run, which can be
    launched again.

    Raises:
        UserError: bad data, a checkpoint of another configuration, a full disk, another driver on the same
            job, more workers than there is room for.
        NonFiniteLoss: training has diverged; the last checkpoint is kept.
    """
    with sole_driver(job.folder):
        return drive(job, emit)


def drive(job: Job, emit: Emit) -> Outcome:
    """The same for whoever holds the job's folder already, as `sole_driver` does."""
    with interruptible():
        raise_if_interrupted()
        copy = job.copy
        if copy:
            copy.fetch()
            emit = _and_then(emit, copy.send_notes)
        if (outcome := finished(job)) is not None:
            return outcome
        if job.experiment.cluster.num_workers == 0:
            return run_worker(job, emit, device_for(job.experiment.cluster.use_gpu))
        from orchestrator.cluster.train import train_on_ray

        train_on_ray(job, emit)
        if copy:
            copy.fetch_checkpoints()
        outcome = finished(job)
        assert outcome is not None, "workers end at the last step"
        return outcome


def _and_then(emit: Emit, do: Callable[[], None]) -> Emit:
    def both(report: Report) -> None:
        emit(report)
        do()

    return both


def finished(job: Job) -> Outcome | None:
    """The outcome of a job that has nothing left to do.

    Raises:
        CheckpointError: its newest checkpoint is of another configuration.
    """
    checkpoint = job.checkpoints.latest()
    if checkpoint is None:
        return None
    require_same(checkpoint, job)
    return Outcome.of(checkpoint) if checkpoint.meta.step >= job.end else None
