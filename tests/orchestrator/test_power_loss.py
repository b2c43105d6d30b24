"""A machine that loses power: only what was synced is on its disk afterwards, and the run goes on from that.

The disk is a model that forgets all that POSIX lets a disk forget: content that was not synced, and names
in folders that were not. What MLflow itself writes stays, as SQLite syncs for itself.
"""

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

from tests.orchestrator.disturbed import KILLED, Disturbed, Second, nothing, wrap

pytestmark = pytest.mark.usefixtures("one_thread")

OF_MLFLOW = ("mlflow.db*", "mlartifacts")


@dataclass
class Disk:
    """What is on the disk for certain, by the numbers that the system gives to files and folders."""

    root: Path
    names: dict[int, dict[str, int]] = field(default_factory=dict)
    content: dict[int, bytes] = field(default_factory=dict)
    opened: dict[int, int] = field(default_factory=dict)
    """All of these stay open, so that the system gives none of their numbers to another file."""

    def watch(self) -> None:
        """Take what is there as synced; from now on see what this process syncs."""
        self._sync_folder(self.root)
        for path in self.root.iterdir():
            self._sync_file(path)  # there are no folders yet
        wrap(
            os,
            "fsync",
            nothing,
            lambda descriptor: self._synced(Path(os.readlink(f"/proc/self/fd/{descriptor}"))),
        )

    def survivors(self, folder: Path) -> None:
        """Write all that is still there after a loss of power."""
        self._write(self._number(self.root), folder)

    def _number(self, path: Path) -> int:
        number = path.stat().st_ino
        if number not in self.opened:
            self.opened[number] = os.open(path, os.O_RDONLY)
        return number

    def _synced(self, path: Path) -> None:
        if path.is_dir():
            self._sync_folder(path)
        else:
            self._sync_file(path)

    def _sync_folder(self, folder: Path) -> None:
        inner = {}
        for path in folder.iterdir():
            with suppress(FileNotFoundError):  # another thread has removed it just now
                inner[path.name] = self._number(path)
                if path.is_dir():
                    self.names.setdefault(inner[path.name], {})
        self.names[self._number(folder)] = inner

    def _sync_file(self, path: Path) -> None:
        self.content[self._number(path)] = path.read_bytes()

    def _write(self, number: int, folder: Path) -> None:
        folder.mkdir()
        for name, inner in self.names[number].items():
            if inner in self.names:
                self._write(inner, folder / name)
            else:
                (folder / name).write_bytes(self.content.get(inner, b""))


def losing_power(disk: Disk, survivors: Path, owner: str, name: str, when: str) -> None:
    """The second time that something is done, before or after it."""

    def lose() -> None:
        disk.survivors(survivors)
        os.kill(os.getpid(), signal.SIGKILL)

    disk.watch()
    calls: dict[str, Callable[..., None]] = {"before": nothing, "after": nothing, when: Second(lose)}
    wrap(resolve_name(owner), name, calls["before"], calls["after"])


MOMENTS = {
    "an entry for MLflow is kept": ("orchestrator.tracking.sending.outbox:Outbox", "put", "after"),
    "a checkpoint is about to be saved": ("orchestrator.checkpoints.store:CheckpointStore", "save", "before"),
    "a checkpoint is about to get its name": ("orchestrator.checkpoints.folder", "_put_in_place", "before"),
    "a checkpoint is saved": ("orchestrator.checkpoints.store:CheckpointStore", "save", "after"),
    "what was sent is forgotten": ("orchestrator.jobs.worker", "_record", "after"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_machine_that_loses_power(
    moment: str, tmp_path: Path, fresh_database: Path, undisturbed: dict[str, Any]
) -> None:
    run = Disturbed(tmp_path / "runs")
    run.root.mkdir()
    shutil.copy(fresh_database, run.root / "mlflow.db")
    assert (
        run.run_apart(partial(losing_power, Disk(run.root), tmp_path / "disk", *MOMENTS[moment])).code
        == KILLED
    )
    for kept in [path for pattern in OF_MLFLOW for path in run.root.glob(pattern)]:
        old = tmp_path / "disk" / kept.name
        shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        kept.rename(old)
    shutil.rmtree(run.root)
    (tmp_path / "disk").rename(run.root)
    left = [*run.checkpoints.glob("step-*"), *run.root.glob("run/retrain_unsent/*.json")]
    assert left, "nothing of the run is left"
    assert run.run_here() == 0
    run.assert_as_if_nothing_had_happened(undisturbed)
