"""A Ray that a driver has started ends with it, however often the driver is told to stop."""

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from orchestrator.cluster.session import ray_cluster
from orchestrator.config.experiment import ClusterConfig
from trainers.interruption import interruptible

INTERRUPTED = 130


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def catches_sigterm() -> bool:
    """Whether this process has a handler for SIGTERM, as the kernel sees it."""
    caught = next(line for line in Path("/proc/self/status").read_text().splitlines() if "SigCgt" in line)
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def drive(log: Path) -> None:
    """Start a Ray, be stopped, and be told so again in the middle of Ray's own end."""
    from ray._private.node import Node

    end = Node.kill_all_processes

    def end_and_be_told_again(*arguments: Any, **options: Any) -> None:
        # Ray has just taken the handler away; it is back within milliseconds.
        deadline = time.monotonic() + 10
        while not catches_sigterm() and time.monotonic() < deadline:
            time.sleep(0.001)
        terminate()
        end(*arguments, **options)

    Node.kill_all_processes = end_and_be_told_again
    try:
        with interruptible(), ray_cluster(ClusterConfig(num_workers=1)):
            log.write_text(" ".join(str(child.pid) for child in psutil.Process().children()))
            terminate()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def test_sigterm_again_while_ray_ends_leaves_the_exit_code_and_no_process(tmp_path: Path) -> None:
    log = tmp_path / "children"
    process = multiprocessing.get_context("spawn").Process(target=drive, args=(log,))
    process.start()
    process.join(240)
    assert process.exitcode == INTERRUPTED
    children = [int(pid) for pid in log.read_text().split()]
    assert children
    assert [pid for pid in children if psutil.pid_exists(pid)] == []
