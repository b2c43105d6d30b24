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
    from pyarrow import NativeFile
    from pyarrow.fs import FileSystem

logger = logging.getLogger(__name__)

Files = dict[str, int]
"""Path below the folder -> bytes."""


class MirrorError(UserError):
    """The store cannot be reached, or refuses."""


class ObjectStoreCopy:
    """The copy of one folder below the root; it can be sent to workers. The folder is what counts."""

    _option = "mirror"

    def __init__(self, uri: str, root: Path, folder: Path) -> None:
        self._uri, self._folder = uri, folder
        self._below = folder.relative_to(root).as_posix()

    def send(self) -> None:
        """Make the store's copy like the folder.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        with self._store() as (store, place):
            here, there = self._here(), found_below(store, place)
            for name in checksums_last(here):
                # A checkpoint's files never change; the others are small.
                if not (step_of(name) and here[name] == there.get(name)):
                    self._upload(store, place, name)
            # Checksums first: a checkpoint that is half deleted must not look whole.
            for name in reversed(checksums_last(there)):
                if name not in here:
                    store.delete_file(f"{place}/{name}")

    def send_checkpoints(self) -> None:
        """Send what a new checkpoint has changed; while the store is away, a later call sends it."""
        with going_on():
            self.send()

    def send_last_checkpoint(self, seconds: float) -> None:
        """Nothing: the end of the stage sends all that is new."""

    def send_notes(self) -> None:
        """Nothing: what lies beside the checkpoints is sent with them."""

    def clear_checkpoints(self) -> None:
        """Nothing: copies stay, though the folder's are deleted."""

    def fetch_checkpoints(self) -> None:
        """Nothing: workers find them in the folder."""

    def fetch(self) -> None:
        """Bring the store's copy here, if its newest checkpoint is newer than the newest sound one here.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        with self._store() as (store, place):
            there = found_below(store, place)
            sound = (name for name in self._here() if is_intact((self._folder / name).parent))
            if _newest(there) <= _newest(sound):
                return
            for name in checksums_last(there):
                self._download(store, place, name)

    def send_files(self, *names: str) -> None:
        """Send these alone; while the store is away they are left for a later call."""
        with going_on(), self._store() as (store, place):
            for name in names:
                self._upload(store, place, name)

    def fetch_files(self, *names: str) -> None:
        """Bring those of these files that are in the store and not here.

        Raises:
            MirrorError: the store cannot be reached, or refuses.
        """
        with self._store() as (store, place):
            there = found_below(store, place)
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
        with (self._folder / name).open("rb") as file, opened(store, f"{place}/{name}") as stream:
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
                f"{self._option} = {self._uri}: {reason}; correct it, see that the store answers and takes "
                "the credentials in the environment (AWS_ACCESS_KEY_ID, ...)"
            ) from error


@contextmanager
def going_on() -> Iterator[None]:
    """Within it, a store that cannot be reached is a warning."""
    try:
        yield
    except MirrorError as error:
        logger.warning("%s; the run goes on, what is new is sent later", error)


def opened(store: "FileSystem", target: str) -> "NativeFile":
    """A file of the store to be written; only disks need folders for it."""
    if store.type_name == "local":
        store.create_dir(str(PurePosixPath(target).parent))
    return store.open_output_stream(target)


def found_below(store: "FileSystem", place: str) -> Files:
    """The files of a place, by their names below it."""
    from pyarrow.fs import FileSelector

    found = store.get_file_info(FileSelector(place, recursive=True, allow_not_found=True))
    sizes = {info.path.removeprefix(f"{place}/"): info.size for info in found if info.is_file}
    return {name: size for name, size in sizes.items() if not _is_passing(name)}


def _is_passing(name: str) -> bool:
    """Whether a file is only there while something is done; ".." would lead out of the folder, too."""
    return name.endswith(".partial") or any(
        part.startswith(".") or part.endswith("_unsent") for part in name.split("/")
    )


def checksums_last(names: Iterable[str]) -> list[str]:
    """In the order of sending: without its checksums a checkpoint is none."""
    return sorted(names, key=lambda name: (name.endswith(SUMS), name))


def _newest(names: Iterable[str]) -> int:
    """Step of the newest checkpoint that has checksums."""
    return max((step_of(name) for name in names if name.endswith(f"/{SUMS}")), default=0)


def step_of(name: str) -> int:
    """Of the checkpoint that the file is a part of; 0 if it is not."""
    match = FOLDER_NAME.fullmatch(PurePosixPath(name).parent.name)
    return int(match[1]) if match else 0
