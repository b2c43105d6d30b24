"""Parquet files on a local disk or in an object store, through Arrow's file systems."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from search_space.errors import one_line
from trainers.datasets.images import DataError

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo, FileSystem


def open_filesystem(path: str) -> "tuple[FileSystem, str]":
    """The file system of a local path or URI, and the path in it."""
    from pyarrow.fs import FileSystem, LocalFileSystem

    return FileSystem.from_uri(path) if "://" in path else (LocalFileSystem(), path)


def parquet_files(path: str) -> "tuple[FileSystem, list[FileInfo]]":
    """The file at a local path or URI, or the `.parquet` files in the folder there, sorted by path.

    Raises:
        DataError: nothing there, or a store that cannot be reached.
    """
    from pyarrow.fs import FileSelector

    with blaming(f"data.path: {path}"):
        filesystem, inside = open_filesystem(path)
        found = filesystem.get_file_info(inside)
        if found.is_file:
            return filesystem, [found]
        below = filesystem.get_file_info(FileSelector(inside, recursive=True, allow_not_found=True))
    files = [info for info in below if info.is_file and info.path.endswith(".parquet")]
    if not files:
        raise DataError(f"data.path: no Parquet file at {path}")
    return filesystem, sorted(files, key=lambda info: info.path)


@contextmanager
def blaming(what: str) -> Iterator[None]:
    """Arrow's errors, said as the user's: what they gave cannot be read, and why."""
    import pyarrow as pa

    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{what} cannot be read ({one_line(error)})") from error
