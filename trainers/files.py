"""Paths, addresses, and files that are either complete or absent.

Without pydantic, because `--help` waits for it.
"""

import errno
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, BinaryIO
from uuid import uuid4

from search_space.errors import UserError


def absolute(path: Path) -> Path:
    """The path as seen from the folder in which the run is started: workers run in folders of their own.

    Raises:
        ValueError: no file system knows such a path.
    """
    if "\0" in str(path):
        raise ValueError("must not hold a null character")
    return path.expanduser().absolute()


SECRETS = re.compile(
    # A password before the host, unless it is a port; then what stores take behind the question mark.
    r"(?<=://)[^/@]*:(?!\d+(?:/|$))[^@]*(?=@)"
    r"|(?<=[?&;])[^=&;]*(?:password|passwd|secret|token|access_key|credential|sig)[^=&;]*=[^&;]*",
    re.IGNORECASE,
)
"""Where addresses hold what lets somebody in."""


def without_secrets(address: str) -> str:
    """The address, which is recorded and printed.

    Raises:
        ValueError: it holds a password or a key.
    """
    if SECRETS.search(address):
        raise ValueError("must not hold credentials, as it is recorded; put them into the environment")
    return address


def redacted(text: str) -> str:
    """A text to be shown, with stars for what lets somebody in."""
    return SECRETS.sub("***", text)


FULL = (errno.ENOSPC, errno.EDQUOT)


def is_disk_full(error: BaseException) -> bool:
    """Whether a full disk or a used up quota is the reason, or the reason of the reason."""
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, OSError) and reason.errno in FULL:
            return True
        reason = reason.__cause__ or reason.__context__
    return False


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path`, open for writing: it becomes `path` if the block succeeds and vanishes if not.

    Neither content nor name is lost with the power once the block has been left.
    """
    make_folder(path.parent)
    partial = path.with_name(f"{path.name}.{uuid4().hex}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            sync(file)
        partial.replace(path)
        sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def append_entry(path: Path, entry: object) -> None:
    """Add a line of JSON to a journal, on disk before this returns.

    Raises:
        UserError: something else has its name.
    """
    is_new = not path.exists()
    if not is_new and not path.is_file():  # a pipe would be waited for
        raise UserError(f"{path}: is not a regular file; move it away")
    make_folder(path.parent)
    with path.open("a", encoding="utf-8") as file:
        # The line break comes first, so that a line cut short by a crash ends before the next.
        file.write("\n" + json.dumps(entry))
        sync(file)
    if is_new:
        sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those it is in where they are absent; their names are on disk before this returns."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync(file: IO[Any]) -> None:
    """Have on disk what was written to an open file."""
    file.flush()
    os.fsync(file.fileno())


UNSYNCED = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)
"""Errors of folders that nobody may read, and of file systems that sync no folders."""


def sync_folder(folder: Path) -> None:
    """Have on disk which files the folder has."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in UNSYNCED:
            raise


def json_file(path: Path) -> Any:
    """The content of a file of JSON in a run's folder.

    Raises:
        ValueError: it is no regular file, or not of JSON.
        OSError: it cannot be read.
    """
    if not path.is_file():  # a pipe would be waited for
        raise ValueError("not a regular file")
    try:
        return json.loads(path.read_bytes())
    except RecursionError:
        raise ValueError("too many brackets in each other") from None


def json_lines(path: Path, *keys: str) -> Iterator[dict[str, Any]]:
    """The lines of a journal that are sound and have these keys.

    What a line that a crash cut short said was written again, or will be.
    """
    for line in path.read_bytes().splitlines() if path.is_file() else []:
        with suppress(ValueError, RecursionError):
            found = json.loads(line)
            if isinstance(found, dict) and found.keys() >= set(keys):
                yield found
