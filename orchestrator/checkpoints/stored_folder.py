"""Folders below a root that is an object store: the store counts, and each machine has scratch copies.

The worker of rank 0 sends checkpoints, the driver sends the notes beside them (derivations, images, results).
"""

import logging
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from orchestrator.checkpoints.folder import SUMS, is_intact
from orchestrator.checkpoints.object_store import (
    MirrorError,
    ObjectStoreCopy,
    checksums_last,
    found_below,
    going_on,
    opened,
    step_of,
)
from trainers.interruption import raise_if_interrupted
from trainers.locks import alone_in

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

    from orchestrator.config.experiment import Experiment

RETRY_S = 15.0
"""Between two attempts to send the last checkpoint."""

logger = logging.getLogger(__name__)


class StoredFolder(ObjectStoreCopy):
    """One folder of the store, and its scratch copy on this machine."""

    _option = "root"

    def __init__(self, uri: str, root: Path, folder: Path) -> None:
        super().__init__(uri, root, folder)
        self._sent: dict[str, tuple[int, int]] = {}

    def send(self) -> None:
        """Send the notes that are new since the last time.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        with self._store() as (store, place):
            for name in self._here():
                status = (self._folder / name).stat()
                version = status.st_mtime_ns, status.st_size
                if not step_of(name) and self._sent.get(name) != version:
                    self._upload(store, place, name)
                    self._sent[name] = version

    def send_notes(self) -> None:
        """Send them; while the store is away, a later call does."""
        with going_on():
            self.send()

    def send_checkpoints(self) -> None:
        """Send new ones and delete retired ones; while the store is away, a later call does."""
        with going_on():
            self._send_checkpoints()

    def send_last_checkpoint(self, seconds: float) -> None:
        """Make sure that the newest one is in the store, for which its end is read there.

        Raises:
            MirrorError: the store does not take it for so long.
        """
        until = time.monotonic() + seconds
        while True:
            raise_if_interrupted()
            try:
                return self._send_checkpoints()
            except MirrorError as error:
                if time.monotonic() > until:
                    raise
                logger.warning("%s; the last checkpoint waits for the store", error)
                time.sleep(RETRY_S)

    def clear_checkpoints(self) -> None:
        """Delete the store's."""
        with going_on(), self._store() as (store, place):
            for name in reversed(checksums_last(filter(step_of, found_below(store, place)))):
                store.delete_file(f"{place}/{name}")

    def fetch(self) -> None:
        """Bring notes and checkpoints.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        self.fetch_notes()
        self.fetch_checkpoints()

    def fetch_notes(self) -> None:
        """Bring what lies beside the checkpoints.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        with self._store() as (store, place):
            for name in found_below(store, place):
                if not step_of(name):
                    self._download(store, place, name)

    def fetch_checkpoints(self) -> None:
        """Make the checkpoints here those of the store: what it did not get whole is trained again.

        Workers of one machine may call it at once, before training.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with alone_in(self._folder), self._store() as (store, place):
            there = [name for name in found_below(store, place) if step_of(name)]
            whole = {_folder(name): _text(store, f"{place}/{name}") for name in there if name.endswith(SUMS)}
            kept = self._kept(whole)
            for name in checksums_last(there):
                if _folder(name) in whole.keys() - kept:
                    self._download(store, place, name)

    @property
    def address(self) -> str:
        """Where it is, for people."""
        base, _, _ = self._uri.partition("?")
        return f"{base.rstrip('/')}/{self._below}"

    def folders(self) -> list[str]:
        """Names of the store's folders directly below this one.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        from pyarrow.fs import FileSelector, FileType

        with self._store() as (store, place):
            found = store.get_file_info(FileSelector(place.removesuffix("/."), allow_not_found=True))
            return sorted(info.base_name for info in found if info.type == FileType.Directory)

    def write(self, name: str, text: str) -> None:
        """A file of the store that has none here.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        with self._store() as (store, place), opened(store, f"{place}/{name}") as stream:
            stream.write(text.encode())

    def delete(self, name: str) -> None:
        """One of these; one that is gone is fine.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        with self._store() as (store, place), suppress(FileNotFoundError):
            store.delete_file(f"{place}/{name}")

    def texts(self, below: str) -> dict[str, str]:
        """All of these in a folder, by name.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        with self._store() as (store, place):
            found = {}
            for name in found_below(store, f"{place}/{below}"):
                with suppress(FileNotFoundError):  # deleted meanwhile
                    found[f"{below}/{name}"] = _text(store, f"{place}/{below}/{name}")
            return found

    def begin(self) -> None:
        """Bring the notes; where the store has nothing, what an earlier run of the name left here goes.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        with self._store() as (store, place):
            known = found_below(store, place)
        if known:
            self.fetch_notes()
            return
        for name in self._here():
            (self._folder / name).unlink()

    def _send_checkpoints(self) -> None:
        with self._store() as (store, place):
            here = {name: size for name, size in self._here().items() if step_of(name)}
            there = {name: size for name, size in found_below(store, place).items() if step_of(name)}
            for name in checksums_last(here):
                if there.get(name) != here[name]:
                    self._upload(store, place, name)
            # Older ones alone: a worker that was wrongly taken for dead must not delete its successor's.
            newest = max(map(step_of, here), default=0)
            for name in reversed(checksums_last(there)):
                if name not in here and step_of(name) < newest:
                    store.delete_file(f"{place}/{name}")

    def _kept(self, whole: Mapping[str, str]) -> set[str]:
        """Folders of checkpoints here that are as the store has them; the others are deleted."""
        kept = set()
        for name in {_folder(name) for name in self._here() if step_of(name)}:
            folder = self._folder / name
            if name in whole and is_intact(folder) and (folder / SUMS).read_text() == whole[name]:
                kept.add(name)
            else:
                shutil.rmtree(folder)
        return kept


def copy_of(experiment: "Experiment", folder: Path) -> ObjectStoreCopy | None:
    """The copy of a folder of runs in an object store: of the root, or the mirror; None without either."""
    if experiment.object_store:
        return StoredFolder(experiment.object_store, experiment.folder, folder)
    return ObjectStoreCopy(experiment.mirror, experiment.folder, folder) if experiment.mirror else None


def bring_run(experiment: "Experiment", name: str | None) -> None:
    """Where the root is an object store: have the notes of a run of that name here, if there is one.

    Raises:
        MirrorError: the store cannot be reached, or refuses.
    """
    if experiment.object_store and name and Path(name).name == name:
        StoredFolder(experiment.object_store, experiment.folder, experiment.folder / name).fetch_notes()


def _folder(name: str) -> str:
    return str(PurePosixPath(name).parent)


def _text(store: "FileSystem", path: str) -> str:
    with store.open_input_stream(path) as stream:
        return stream.read().decode("ascii", "replace")
