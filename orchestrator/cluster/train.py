"""Running a job on Ray Train workers: Ray starts, places and restarts them; advnas restores and records."""

import logging
import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from typing import TypeVar

import ray.train
from ray.train.torch import TorchConfig, TorchTrainer

from orchestrator.cluster.machines import require_room_on_cluster
from orchestrator.cluster.report_channel import ReportChannel
from orchestrator.cluster.session import (
    ClusterError,
    ray_cluster,
    resources_per_worker,
)
from orchestrator.cluster.shared_root import mark_of
from orchestrator.cluster.worker import EndAtFinalErrors, is_final, work
from orchestrator.config.experiment import ClusterConfig
from orchestrator.jobs.job import Emit, Job
from trainers.interruption import raise_if_interrupted
from trainers.ticks import tick

POLL_S = 0.2
"""A report takes as long as Ray Train pauses between two looks at the workers: 2 s, unless told otherwise."""

START_ATTEMPT_S = 60
"""How long Ray Train waits for workers to start before it counts a failure."""

ELASTIC_START_ATTEMPT_S = 5
"""The same of elastic workers: then machines are counted anew, and fewer may start."""

RESIZE_S = 60.0
"""Between two looks for machines that have come; as long, elastic workers that have begun are left alone."""

SILENCE_S = 600.0
"""How long a worker may not answer Ray Train at all: its process is stopped, or its machine hangs."""

STOP_S = 60
"""How long a Ray that is not ours may take to stop the workers."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


def train_on_ray(job: Job, emit: Emit) -> None:
    """Do the job to its end; every report has been emitted, in this thread, when this returns or raises.

    Raises:
        ClusterError: no such cluster, or no room on it.
        UserError, NonFiniteLoss: whatever a worker ran into, as it would be raised in this process.
    """
    with ray_cluster(job.experiment.cluster, job.experiment.name) as ours:
        require_room_on_cluster(job.experiment.cluster)
        channel = ReportChannel.open()
        fit = _in_background(_trainer(job, channel).fit)
        try:
            _forward(channel, fit, emit)
        except BaseException as error:
            channel.stop()
            # Who interrupts does not wait: the workers end with Ray, or at their next report.
            if not ours and isinstance(error, Exception):
                wait([fit], STOP_S)
            raise
    _raise_cleanly(fit.exception())


def _forward(channel: ReportChannel, fit: "Future[ray.train.Result]", emit: Emit) -> None:
    while True:
        raise_if_interrupted()
        # Asked first: what a worker sent before the end has arrived by then.
        ended = fit.done()
        message = channel.receive(0 if ended else POLL_S)
        if message is None:
            if ended:
                return
            continue
        if isinstance(message, str):
            logger.warning(message)
        elif isinstance(message, int):
            tick(message)
        else:
            emit(message)
        channel.acknowledge()


def _trainer(job: Job, channel: ReportChannel) -> TorchTrainer:
    cluster = job.experiment.cluster
    # Ray Train hands its environment on to controller and workers.
    os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", str(POLL_S))
    silence = min(SILENCE_S, cluster.report_timeout_s)
    os.environ.setdefault("RAY_TRAIN_WORKER_HEALTH_CHECK_TIMEOUT_S", str(silence))
    # Together the job's folder: Ray accepts as checkpoints what lies in it. Hidden, nothing of it is copied.
    below = job.folder.relative_to(job.experiment.folder)
    if job.experiment.object_store:
        below /= ".ray_train"
    # Ray Train would otherwise go on from its own list of checkpoints, of which some are gone.
    (job.experiment.folder / below / "checkpoint_manager_snapshot.json").unlink(missing_ok=True)
    elastic = cluster.min_workers is not None
    attempt = os.environ.setdefault(
        "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", str(ELASTIC_START_ATTEMPT_S if elastic else START_ATTEMPT_S)
    )
    whole_gpus = cluster.use_gpu and cluster.gpus_per_worker >= 1
    return _kind(cluster)(
        work,
        train_loop_config={
            "job": job,
            "channel": channel,
            "mark": mark_of(job.experiment, job.folder),
        },
        torch_config=TorchConfig(
            # NCCL refuses two workers on one GPU.
            backend="nccl" if whole_gpus else "gloo",
            timeout_s=math.ceil(cluster.report_timeout_s),
        ),
        scaling_config=ray.train.ScalingConfig(
            # Type checkers see Ray Train's first version in these names; at run time they are the second's.
            num_workers=(cluster.min_workers, cluster.num_workers) if elastic else cluster.num_workers,  # type: ignore[arg-type]
            elastic_resize_monitor_interval_s=RESIZE_S,  # type: ignore[call-arg]
            use_gpu=cluster.use_gpu,
            resources_per_worker=resources_per_worker(cluster),
            placement_strategy=cluster.placement.upper(),
        ),
        run_config=ray.train.RunConfig(
            storage_path=str(job.experiment.folder),
            name=str(below),
            failure_config=ray.train.FailureConfig(  # type: ignore[call-arg]
                max_failures=cluster.max_failures,
                controller_failure_limit=math.ceil(cluster.report_timeout_s / float(attempt)),
            ),
            callbacks=[EndAtFinalErrors(channel)],  # type: ignore[list-item]
        ),
    )


def _kind(cluster: ClusterConfig) -> Callable[..., TorchTrainer]:
    if cluster.min_workers is None:
        return TorchTrainer
    # Only where it is needed: it builds on parts of Ray Train that may change with any version.
    from orchestrator.cluster.elastic import ElasticTrainer

    return partial(ElasticTrainer, cluster=cluster)


def _in_background(function: Callable[[], T]) -> "Future[T]":
    """Run in a thread of its own, which does not keep the process alive."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="ray.train fit", daemon=True).start()
    return future


def _raise_cleanly(error: BaseException | None) -> None:
    if isinstance(error, ray.train.ControllerError):
        cause = error.controller_failure
        if is_final(cause):
            raise cause from None
        raise ClusterError(f"Ray Train gave up: {cause}") from error
    if error is not None:
        raise error
