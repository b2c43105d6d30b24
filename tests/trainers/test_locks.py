"""Locks between processes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trainers.locks import LockTaken, locked

HOLD = """
import sys, time, pathlib
from trainers.locks import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_held_by_one_process_until_it_is_killed(tmp_path: Path) -> None:
    file = tmp_path / ".lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, file], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockTaken), locked(file, wait=False):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with locked(file, wait=False):
        pass


def test_what_stands_in_the_file_stays(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("who holds it")
    with locked(tmp_path / ".lock"):
        assert (tmp_path / ".lock").read_text() == "who holds it"
