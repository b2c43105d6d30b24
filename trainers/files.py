"""Paths in configurations, and files that are either complete or absent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO
from uuid import uuid4

from pydantic import AfterValidator


def absolute(path: Path) -> Path:
    """The path as seen from the folder in which the run is started: workers run in folders of their own.

    Raises:
        ValueError: no file system knows such a path.
    """
    if "\0" in str(path):
        raise ValueError("must not hold a null character")
    return path.expanduser().absolute()


Folder = Annotated[Path, AfterValidator(absolute)]
"""A local folder; `~` is expanded and relative paths are made absolute while the configuration loads."""

File = Annotated[Path, AfterValidator(absolute)]
"""A local file, made absolute as a folder is."""


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
