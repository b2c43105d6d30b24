"""A copy of a run's folder in an object store, for the day the machine is gone with its disk.

Files are sent whole, a checkpoint's checksums last: without them it is none, here as there.
"""

import errno
import logging
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from orchestrator.checkpoints.folder import SUMS, is_intact
from orchestrator.checkpoints.store import FOLDER_NAME
from search_space.errors import UserError
from trainers.files import written_whole

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

logger = logging.getLogger(__name__)

Files = dict[str, int]
"""Path below the folder -> bytes."""


class MirrorError(UserError):
    """The store cannot be reached, or refuses."""


class ObjectStoreCopy:
    """The copy of one folder below the root: a value that can be sent to workers."""

    def __init__(self, uri: str, root: Path, folder: Path) -> None:
        self._uri, self._folder = uri, folder
        self._below = folder.relative_to(root).as_posix()

    def send(self) -> None:
        """Make the store's copy like the folder.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        with self._store() as (store, place):
            here, there = self._here(), _there(store, place)
            for name in _checksums_last(here):
                # A checkpoint's files never change; the others are small.
                if not (_step(name) and here[name] == there.get(name)):
                    self._upload(store, place, name)
            # Checksums first: a checkpoint that is half deleted must not look whole.
            for name in reversed(_checksums_last(there)):
                if name not in here:
                    store.delete_file(f"{place}/{name}")

    def send_if_possible(self) -> None:
        """Send; while the store is away the run goes on, and a later call sends what is new by then."""
        try:
            self.send()
        except MirrorError as error:
            logger.warning("%s; the run goes on, what is new is sent later", error)

    def fetch(self) -> None:
        """Bring the store's copy here, if its newest checkpoint is newer than the newest sound one here.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        with self._store() as (store, place):
            there = _there(store, place)
            sound = (name for name in self._here() if is_intact((self._folder / name).parent))
            if _newest(there) <= _newest(sound):
                return
            for name in _checksums_last(there):
                self._download(store, place, name)

    def send_files(self, *names: str) -> None:
        """Send these alone; while the store is away they are left for a later call."""
        try:
            with self._store() as (store, place):
                for name in names:
                    self._upload(store, place, name)
        except MirrorError as error:
            logger.warning("%s; the run goes on, what is new is sent later", error)

    def fetch_files(self, *names: str) -> None:
        """Bring those of these files that are in the store and not here.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        with self._store() as (store, place):
            there = _there(store, place)
            for name in names:
                if name in there and not (self._folder / name).exists():
                    self._download(store, place, name)

    def _download(self, store: "FileSystem", place: str, name: str) -> None:
        with (
            store.open_input_stream(f"{place}/{name}") as source,
            written_whole(self._folder / name) as file,
        ):
            shutil.copyfileobj(source, file)

    def _upload(self, store: "FileSystem", place: str, name: str) -> None:
        target = f"{place}/{name}"
        if store.type_name == "local":
            store.create_dir(str(PurePosixPath(target).parent))
        with (self._folder / name).open("rb") as file, store.open_output_stream(target) as stream:
            shutil.copyfileobj(file, stream)

    def _here(self) -> Files:
        """Without what is being written, or held."""
        paths = [path for path in self._folder.rglob("*") if path.is_file()]
        sizes = {path.relative_to(self._folder).as_posix(): path.stat().st_size for path in paths}
        return {name: size for name, size in sizes.items() if not _is_passing(name)}

    @contextmanager
    def _store(self) -> Iterator[tuple["FileSystem", str]]:
        """The store, and the place of the folder's copy in it."""
        import pyarrow as pa
        from pyarrow.fs import FileSystem

        try:
            store, base = FileSystem.from_uri(self._uri)
            yield store, f"{base.rstrip('/')}/{self._below}"
        except (OSError, pa.ArrowException) as error:
            if getattr(error, "errno", None) == errno.ENOSPC:
                raise
            reason = str(error).splitlines()[0][:300]
            raise MirrorError(
                f"mirror = {self._uri}: {reason}; correct it, see that the store answers and takes the "
                "credentials in the environment (AWS_ACCESS_KEY_ID, ...)"
            ) from error


def _there(store: "FileSystem", place: str) -> Files:
    from pyarrow.fs import FileSelector

    found = store.get_file_info(FileSelector(place, recursive=True, allow_not_found=True))
    sizes = {info.path.removeprefix(f"{place}/"): info.size for info in found if info.is_file}
    return {name: size for name, size in sizes.items() if not _is_passing(name)}


def _is_passing(name: str) -> bool:
    """Whether a file is only there while something is done; ".." would lead out of the folder, too."""
    return name.endswith(".partial") or any(part.startswith(".") for part in name.split("/"))


def _checksums_last(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (name.endswith(SUMS), name))


def _newest(names: Iterable[str]) -> int:
    """Step of the newest checkpoint that has checksums."""
    return max((_step(name) for name in names if name.endswith(f"/{SUMS}")), default=0)


def _step(name: str) -> int:
    """The step of the checkpoint that contains the file; 0 if none does."""
    match = FOLDER_NAME.fullmatch(PurePosixPath(name).parent.name)
    return int(match[1]) if match else 0
