"""One process of a machine at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system lets go of it when the process dies.

    It only saves doing the same work twice. What is written under it is renamed into place as a whole, so
    on file systems that lock no folders (some network ones) two may work, and the last one's result stays.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
