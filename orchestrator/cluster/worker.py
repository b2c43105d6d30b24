"""The code that runs on the cluster: a job's worker inside a Ray Train worker, and the end of hopeless
runs."""

import faulthandler
import logging
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
from trainers.distributed import rank
from trainers.guarded_step import NonFiniteLoss
from trainers.report import Report
from trainers.ticks import watched_by

OURS = ("orchestrator", "trainers", "search_space", "advnas")
"""The packages whose warnings the user sees."""


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
        with watched_by(channel.tick if rank() == 0 else _nobody):
            run_worker(
                job, channel.send, get_device(), lambda report, folder: _committed(job, report, folder)
            )
    finally:
        faulthandler.cancel_dump_traceback_later()


def _nobody(_step: int) -> None:
    """All workers are at the same step: one of them tells the driver."""


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
