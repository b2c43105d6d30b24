"""One driver per run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from search_space.errors import UserError
from trainers.locks import RunInUse, sole_driver

HOLD = """
import sys, time, pathlib
from trainers.locks import sole_driver
with sole_driver(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_driver_is_refused_and_told_who_is_there_until_the_first_dies(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        first.stdout.readline()
        with (
            pytest.raises(RunInUse, match=f"process {first.pid} on .* works on this run"),
            sole_driver(tmp_path),
        ):
            pass
        first.send_signal(signal.SIGKILL)
        first.wait()
    with sole_driver(tmp_path):
        pass


def test_an_error_inside_lets_go_of_the_run(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), sole_driver(tmp_path):
        raise ZeroDivisionError
    with sole_driver(tmp_path):
        pass


def test_two_runs_do_not_hinder_each_other(tmp_path: Path) -> None:
    with sole_driver(tmp_path / "one"), sole_driver(tmp_path / "two"):
        pass


def test_a_folder_that_cannot_be_made_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match=r"file/run: .*choose another root"),
        sole_driver(tmp_path / "file" / "run"),
    ):
        pass


def test_the_lock_is_not_inherited_by_child_processes(tmp_path: Path) -> None:
    with sole_driver(tmp_path):
        child = subprocess.Popen(["sleep", "60"])
    try:
        with sole_driver(tmp_path):
            pass
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
