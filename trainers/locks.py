"""Locks between processes: the system releases those of a process that dies, however it dies."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from search_space.errors import UserError
from trainers.files import is_disk_full, make_folder

DRIVER_LOCK = ".driver.lock"


class LockTaken(Exception):
    """Another process holds the lock."""


class RunInUse(UserError):
    """Another process works on the run: two would train it twice and overwrite each other's checkpoints."""


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


@contextmanager
def sole_driver(folder: Path) -> Iterator[None]:
    """Hold the run's folder, made if absent; the system lets go of it when the process dies, however it dies.

    Raises:
        RunInUse: another driver holds it.
        UserError: the folder cannot be made or written.
    """
    lock = folder / DRIVER_LOCK
    with ExitStack() as held:
        try:
            make_folder(folder)
            held.enter_context(locked(lock, wait=False))
            lock.write_text(f"process {os.getpid()} on {socket.gethostname()}")
        except LockTaken:
            owner = lock.read_text() or "another process"
            raise RunInUse(
                f"{folder}: {owner} works on this run; wait for it, stop it, or use another name"
            ) from None
        except OSError as error:
            cure = "free some space" if is_disk_full(error) else "choose another root or make it writable"
            raise UserError(f"{folder}: {error.strerror}; {cure}") from error
        try:
            yield
        finally:
            lock.write_text("")
