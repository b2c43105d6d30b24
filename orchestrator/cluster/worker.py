"""The code that runs on the cluster: a job's worker inside a Ray Train worker, and the end of hopeless
runs."""

import faulthandler
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ray.train
import torch
from ray.train.torch import get_device

from orchestrator.cluster.report_channel import ReportChannel, Stopped
from orchestrator.cluster.shared_root import Mark
from orchestrator.jobs.job import Job
from orchestrator.jobs.worker import run_worker
from search_space.errors import UserError
from trainers.distributed import from_rank_zero, rank
from trainers.guarded_step import NonFiniteLoss
from trainers.report import Report
from trainers.ticks import watched_by

OURS = ("orchestrator", "trainers", "search_space", "advnas")
"""The packages whose warnings the user sees."""

LOOK_S = 5.0
"""Between two looks for notices; Ray Train asks the cluster as often, and clouds give 30 s or more."""

logger = logging.getLogger(__name__)


def work(settings: Mapping[str, Any]) -> None:
    """Ray Train's train function."""
    job: Job = settings["job"]
    channel: ReportChannel = settings["channel"]
    mark: Mark | None = settings["mark"]
    if mark:
        mark.require_seen()
    # Sums over threads round differently: a resumed run needs as many as before, wherever it lands.
    torch.set_num_threads(max(1, int(job.experiment.cluster.cpus_per_worker)))
    for package in OURS:
        logging.getLogger(package).addHandler(WarningsToDriver(channel))
    _expect_report(job)
    try:
        watch = Watch(channel)

        def committed(report: Report, folder: Path) -> None:
            _committed(job, report, folder)
            watch.saved()

        with watched_by(watch):
            run_worker(job, channel.send, get_device(), committed)
    finally:
        faulthandler.cancel_dump_traceback_later()


class Watch:
    """Sees every step on every worker: rank 0 tells the driver, and machines about to be taken are noticed.

    Then a report is wanted at once, with its checkpoint; training goes on, as Ray Train restarts the workers
    when the machine has gone. Its question is one for all workers together, so all ask after the same steps.
    """

    def __init__(self, channel: ReportChannel) -> None:
        self._channel = channel
        self._steps, self._next = 0, 1
        self._asked = (0, time.monotonic())
        self._taken: set[str] = set()
        self._unsaved = False

    def __call__(self, step: int) -> bool:
        """Whether a checkpoint is wanted now."""
        if rank() == 0:
            self._channel.tick(step)
        self._steps += 1
        if self._steps >= self._next:
            self._look()
        return self._unsaved

    def saved(self) -> None:
        """There is a checkpoint of this step."""
        self._unsaved = False

    def _look(self) -> None:
        notice = ray.train.get_preemption_info()
        new = set(notice.preempted_node_ids if notice else ()) - self._taken
        if new:
            self._unsaved = True
            self._taken |= new
            if rank() == 0:
                logger.warning("a machine is about to be taken away: a checkpoint is saved first")
        self._next = self._steps + from_rank_zero(self._steps_of_a_pause)

    def _steps_of_a_pause(self) -> int:
        (steps, then), now = self._asked, time.monotonic()
        self._asked = self._steps, now
        return max(1, int(LOOK_S * (self._steps - steps) / max(now - then, 1e-9)))


def _committed(job: Job, report: Report, folder: Path) -> None:
    # Ray Train knows nothing of a root in an object store: workers find their checkpoints there themselves.
    told = rank() == 0 and not job.experiment.object_store
    checkpoint = ray.train.Checkpoint.from_directory(folder) if told else None
    ray.train.report(
        {"step": report.step, **report.metrics},
        checkpoint=checkpoint,
        checkpoint_upload_mode=ray.train.CheckpointUploadMode.NO_UPLOAD,
    )
    _expect_report(job)


def _expect_report(job: Job) -> None:
    """Unless the next report comes in time, say where the worker is stuck and die: Ray starts another."""
    faulthandler.dump_traceback_later(job.experiment.cluster.report_timeout_s, exit=True)


def is_final(error: BaseException) -> bool:
    """Whether restarting the workers would only bring the error again."""
    return isinstance(error, UserError | NonFiniteLoss | Stopped)


class EndAtFinalErrors(ray.train.UserCallback):
    """Ends the run at a final error, in Ray Train's controller, which would restart workers after any."""

    def __init__(self, channel: ReportChannel) -> None:
        self._channel = channel

    def after_exception(self, run_context: Any, worker_exceptions: dict[int, Exception]) -> None:  # noqa: ARG002
        """An error of a callback counts as one of the controller, which does not go on after those."""
        for error in worker_exceptions.values():
            if is_final(error):
                raise error
        for number, error in worker_exceptions.items():
            self._channel.warn(f"worker {number} failed: {str(error).splitlines()[0]}")


class WarningsToDriver(logging.Handler):
    """Shows warnings where the user is."""

    def __init__(self, channel: ReportChannel) -> None:
        super().__init__(logging.WARNING)
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        """Hand it over without waiting."""
        self._channel.warn(f"worker {rank()}: {record.getMessage()}")
