"""Paths, addresses, and files that are either complete or absent.

Without pydantic, because `--help` waits for it.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4


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
    """A file beside `path`, open for writing: it becomes `path` if the block succeeds and vanishes if not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{uuid4().hex}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
