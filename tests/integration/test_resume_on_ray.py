"""Runs on real Ray Train workers: whatever happens to worker, machine or driver, they end as if it had not.

Two workers do not give the numbers of this process: each normalises (BatchNorm in G) over its own share of a
batch. One worker does, bit by bit.
"""

import logging
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from ray.cluster_utils import Cluster

from orchestrator.cluster.launch import launch
from orchestrator.tracking.run import TrackedRun
from tests.integration.machines import two_machines, wait_until
from tests.orchestrator.disturbed import Disturbed
from tests.orchestrator.test_failures import MISTAKE, fill_up
from tests.orchestrator.tiny_jobs import Interrupted, Recorder, differences, final_state, tiny_job
from tests.small_disks import mounted
from trainers.guarded_step import NonFiniteLoss
from trainers.report import Report
from trainers.ticks import watched_by

pytestmark = pytest.mark.slow

SILENCE_S = 8
"""After which a stopped worker counts as dead; ten minutes where it is not a test."""


@pytest.fixture(scope="module")
def machines() -> Iterator[Cluster]:
    with two_machines() as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def joined(machines: Cluster) -> Cluster:
    return machines


class Timed:
    """Calls, at a step's first report, what happens then; says how long it took until the next report."""

    def __init__(self, events: Mapping[int, tuple[str, Callable[[], None]]]) -> None:
        self._events = dict(events)
        self._happened: tuple[str, float] | None = None
        self._report = TrackedRun.report

    def meet(self) -> None:
        """From now on, in this process."""

        def report(tracked: TrackedRun, report: Report) -> None:
            self._recorded(tracked, report)

        TrackedRun.report = report  # type: ignore[method-assign]

    def leave(self) -> None:
        """Nothing happens any more."""
        TrackedRun.report = self._report  # type: ignore[method-assign]

    def _recorded(self, tracked: TrackedRun, report: Report) -> None:
        if self._happened:
            name, since = self._happened
            print(f"{name}: {time.monotonic() - since:.1f} s until step {report.step} was reported")
            self._happened = None
        self._report(tracked, report)
        if report.step in self._events:
            name, event = self._events.pop(report.step)
            self._happened = name, time.monotonic()
            event()


def kill_a_worker(pid: int | None = None) -> None:
    """The worker belongs to the Ray that this process, or the given one, has started."""
    worker_processes(pid)[0].kill()


def stop_a_worker() -> None:
    worker_processes()[1].suspend()


def replace_a_machine(cluster: Cluster) -> None:
    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
    cluster.add_node(num_cpus=1)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def meet_in_a_driver_that_dies(ray_of: int) -> None:
    """A worker is killed at step 1, the driver at step 2."""
    Timed({1: ("worker killed", partial(kill_a_worker, ray_of)), 2: ("driver killed", die)}).meet()


@pytest.fixture(scope="module")
def options(machines: Cluster) -> dict[str, Any]:
    return {"cluster__num_workers": 2, "cluster__max_failures": 9, "cluster__address": machines.address}


@pytest.fixture(scope="module")
def expected(
    options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory, fresh_database: Path
) -> dict[str, Any]:
    """What four steps on two workers come to if nothing happens."""
    undisturbed = Disturbed(tmp_path_factory.mktemp("undisturbed"), steps=4)
    shutil.copy(fresh_database, undisturbed.root / "mlflow.db")
    assert undisturbed.run_here(**options) == 0
    return torch.load(undisturbed.checkpoints / "step-000000004" / "state.pt", weights_only=True)


@pytest.mark.timeout(900)
def test_workers_machines_and_the_driver_may_die_and_the_result_is_the_same(
    joined: Cluster, options: dict[str, Any], expected: dict[str, Any], tmp_path: Path, fresh_database: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setenv("RAY_TRAIN_WORKER_HEALTH_CHECK_TIMEOUT_S", str(SILENCE_S))
    run = Disturbed(tmp_path, steps=4)
    shutil.copy(fresh_database, run.root / "mlflow.db")
    ended = run.run_apart(partial(meet_in_a_driver_that_dies, os.getpid()), **options)
    print(ended.output)
    assert ended.code == -signal.SIGKILL
    assert "worker killed" in ended.output
    wait_until(lambda: not worker_processes(), seconds=60)

    events = {2: ("worker stopped", stop_a_worker), 3: ("machine gone", partial(replace_a_machine, joined))}
    timed = Timed(events)
    timed.meet()
    try:
        with caplog.at_level(logging.WARNING):
            assert run.run_here(**options) == 0
    finally:
        timed.leave()
    assert "health check has been hanging" in caplog.text
    run.assert_as_if_nothing_had_happened(expected)
    wait_until(lambda: not worker_processes(), seconds=60)


@pytest.mark.timeout(600)
def test_a_worker_killed_beside_a_full_disk_ends_the_run_in_one_line_and_it_goes_on_later(
    options: dict[str, Any], expected: dict[str, Any], tmp_path: Path, fresh_database: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    with mounted(tmp_path, "size=24m") as disk:
        shutil.copy(fresh_database, disk / "mlflow.db")
        run, ballast = Disturbed(disk, steps=4), disk / "ballast"

        def fill_and_kill() -> None:
            fill_up(ballast)
            kill_a_worker()

        timed = Timed({2: ("worker killed beside a full disk", fill_and_kill)})
        timed.meet()
        try:
            assert run.run_here(**options) == MISTAKE
        finally:
            timed.leave()
        said = capsys.readouterr().err
        assert "free some space" in said
        assert "Traceback" not in said
        ballast.unlink()
        assert run.run_here(**options) == 0
        run.assert_as_if_nothing_had_happened(expected)


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


class TakenAway:
    """A job's `emit` and watcher: once it trains, a machine is announced to go, and goes after a report."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._noticed, self._goes = cluster, False, math.inf
        self.steps: list[int] = []
        self.reported: list[int] = []

    def ticked(self, step: int) -> None:
        """A step is done."""
        self.steps.append(step)
        if self.reported and time.monotonic() >= self._goes:
            self._goes = math.inf
            replace_a_machine(self._cluster)
        if not self._noticed:
            self._noticed = True
            (machine,) = self._cluster.worker_nodes
            notice = ["--reason", "DRAIN_NODE_REASON_PREEMPTION", "--reason-message", "spot", "--node-id"]
            drain = [str(Path(sys.executable).with_name("ray")), "drain-node"]
            address = ["--address", self._cluster.address]
            minute = ["--deadline-remaining-seconds", "60"]
            command = [*drain, *address, *notice, machine.node_id, *minute]
            subprocess.run(command, check=True, capture_output=True)

    def __call__(self, report: Report) -> None:
        """A report has come; what it stands for is saved as soon as this returns."""
        self.reported.append(report.step)
        if len(self.reported) == 1:
            self._goes = time.monotonic() + 5  # a worker's step later, in this thread as Ray wants it


@pytest.mark.timeout(600)
def test_a_machine_that_is_about_to_be_taken_away_costs_no_step_before_the_notice(
    joined: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "1")
    monkeypatch.setenv("RAY_TRAIN_PREEMPTION_POLL_INTERVAL_S", "0.5")
    steps = {"search__steps": 600, "search__report_every": 600}
    job = tiny_job(
        tmp_path, **steps, cluster__num_workers=2, cluster__address=joined.address, cluster__max_failures=9
    )
    taken = TakenAway(joined)
    with watched_by(taken.ticked), caplog.at_level(logging.WARNING):
        launch(job, taken)
    saved, last = taken.reported
    assert saved < last == 600
    assert "a machine is about to be taken away" in caplog.text
    after = taken.steps[taken.steps.index(max(step for step in taken.steps if step <= saved)) + 1 :]
    assert after
    assert min(after) > saved, "the steps before the notice were done again"


def worker_processes(pid: int | None = None) -> list[psutil.Process]:
    """The Ray Train workers of this test's own Ray."""
    children = psutil.Process(pid).children(recursive=True)
    return [child for child in children if "RayTrainWorker" in name_of(child)]


def name_of(process: psutil.Process) -> str:
    """Nothing of one that has died, whether somebody has noticed or not."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
