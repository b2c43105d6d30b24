"""Locks between processes: the system releases those of a process that dies, however it dies."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout


class LockTaken(Exception):
    """Another process holds the lock."""


@contextmanager
def locked(file: Path, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a file, which is made if absent and stays.

    Raises:
        LockTaken: another process holds it, and `wait` is false.
        OSError: the file cannot be made, or its file system knows no locks.
    """
    # The fallback of file systems without locks would outlive a process that is killed.
    lock = FileLock(file, fallback_to_soft=False)
    try:
        lock.acquire(blocking=wait)
    except Timeout as error:
        raise LockTaken(str(file)) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, where its file system knows locks.

    It only saves doing the same work twice: what is written under it is renamed into place as a whole, so on
    other file systems (some network ones) two may work, and the last one's result stays.
    """
    lock = FileLock(folder / ".lock", fallback_to_soft=False)
    with suppress(OSError):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
