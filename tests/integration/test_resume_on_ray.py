"""Jobs on real Ray Train workers: killed, stopped and restarted, they end as if nothing had happened.

Two workers do not give the numbers of this process: each normalises (BatchNorm in G) over its own share of a
batch. One worker does, bit by bit.
"""

import logging
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import ray
import torch

from orchestrator.job import Emit
from orchestrator.launch import launch
from tests.orchestrator.jobs import Interrupted, Recorder, differences, final_state, tiny_job
from trainers.optimization import NonFiniteLoss
from trainers.report import Report


@pytest.fixture(scope="module", autouse=True)
def ray_of_our_own() -> Iterator[None]:
    """One Ray for all tests of this file; jobs join it."""
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


def test_a_killed_worker_and_a_stopped_driver_leave_no_trace_in_the_result(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    undisturbed = Recorder()
    expected = launch(tiny_job(tmp_path / "expected", cluster__num_workers=2), undisturbed)
    assert undisturbed.steps == [1, 2, 3]

    job, disturbed = tiny_job(tmp_path, cluster__num_workers=2), Recorder(fails_at=3)
    with caplog.at_level(logging.WARNING), pytest.raises(Interrupted):
        launch(job, killing_a_worker(disturbed, at=2))
    # The report at which it happened comes again if its checkpoint was not committed yet.
    assert disturbed.steps in ([1, 2, 2, 3], [1, 2, 3])
    assert re.search(r"worker \d failed", caplog.text)

    resumed = Recorder()
    outcome = launch(job, resumed)
    assert resumed.steps == [3]
    assert differences(final_state(outcome), final_state(expected)) == []


def test_a_job_begun_in_this_process_ends_the_same_on_one_worker(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    expected = launch(tiny_job(tmp_path / "expected"), Recorder())
    with pytest.raises(Interrupted):
        launch(tiny_job(tmp_path), Recorder(fails_at=2))
    torch.set_num_threads(threads)
    outcome = launch(tiny_job(tmp_path, cluster__num_workers=1), Recorder())
    assert differences(final_state(outcome), final_state(expected)) == []


def test_a_loss_that_is_not_finite_ends_the_run_in_one_line_and_at_once(tmp_path: Path) -> None:
    recorder = Recorder()
    job = tiny_job(tmp_path, "retrain", cluster__num_workers=2, retrain__generator_optimizer__lr=1e30)
    with pytest.raises(NonFiniteLoss, match="not finite") as raised:
        launch(job, recorder)
    assert "\n" not in str(raised.value)
    assert recorder.steps == [1]
    newest = job.checkpoints.latest()
    assert newest is not None
    assert newest.meta.step == 1


def killing_a_worker(recorder: Recorder, at: int) -> Emit:
    """An emit that also kills one of the workers, the first time it is told of a step."""

    def emit(report: Report) -> None:
        recorder(report)
        if recorder.steps[-1:] == [at] and recorder.steps.count(at) == 1:
            os.kill(worker_processes()[0], signal.SIGKILL)

    return emit


def worker_processes() -> list[int]:
    """The Ray Train workers of this test's own Ray."""
    children = psutil.Process().children(recursive=True)
    return [child.pid for child in children if "RayTrainWorker" in " ".join(child.cmdline())]
