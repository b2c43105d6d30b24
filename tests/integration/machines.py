"""Clusters of several machines, as far as Ray can tell."""

import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import ray
from ray.cluster_utils import Cluster

from orchestrator.config.roots import SCRATCH_VARIABLE


@contextmanager
def two_machines() -> Iterator[Cluster]:
    """Of one CPU each; this process, and with it its jobs, have joined them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # beside other tests they would starve
        # It waits for notices that no cloud gives here: a process more at every start of workers.
        patch.setenv("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        cluster.add_node(num_cpus=1)
        ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
        yield cluster
        ray.shutdown()
        cluster.shutdown()


class MachinesApart:
    """A driver's machine without CPUs, and others of one CPU, each with a disk of its own at one path."""

    def __init__(self, disk: Path) -> None:
        self.disk = disk
        self._driver = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
        )
        self.address = self._driver.address
        self._far: list[subprocess.Popen[bytes]] = []

    def add(self) -> None:
        """One more, with an empty disk."""
        ray_start = [Path(sys.executable).with_name("ray"), "start", "--address", self.address, "--block"]
        command = shlex.join(map(str, [*ray_start, "--num-cpus", "1"]))
        known = set(alive())  # one that was lost counts for a while
        self._far.append(
            subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", f"mount -t tmpfs apart '{self.disk}' && exec {command}"],
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        wait_until(lambda: bool(set(alive()) - known), 300)

    def lose(self, process: psutil.Process) -> None:
        """The machine of a process, with its disk."""
        machine = next(far for far in self._far if far.pid in [parent.pid for parent in process.parents()])
        for each in (*psutil.Process(machine.pid).children(recursive=True), machine):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        machine.wait()
        self._far.remove(machine)

    def close(self) -> None:
        """End all of them."""
        for machine in list(self._far):
            self.lose(psutil.Process(machine.pid).children()[0])
        self._driver.shutdown()


def alive() -> list[str]:
    """Machines that the joined cluster has."""
    return [node["NodeID"] for node in ray.nodes() if node["Alive"]]


@contextmanager
def machines_apart(disk: Path, count: int) -> Iterator[MachinesApart]:
    """So many beside the driver's, which this process has joined; skipped where mounting is not allowed."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("only root may give machines disks of their own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")
        patch.setenv("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")
        patch.setenv(SCRATCH_VARIABLE, str(disk))
        disk.mkdir()
        machines = MachinesApart(disk)
        try:
            ray.init(machines.address, log_to_driver=False, logging_level="ERROR")
            for _ in range(count):
                machines.add()
            yield machines
        finally:
            ray.shutdown()
            machines.close()


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Fail if it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)
