"""One driver per run: two would train it twice and overwrite each other's checkpoints."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from search_space.errors import UserError
from trainers.locks import LockTaken, locked

LOCK = ".driver.lock"


class RunInUse(UserError):
    """Another process works on the run."""


@contextmanager
def sole_driver(folder: Path) -> Iterator[None]:
    """Hold the run's folder, made if absent; the system lets go of it when the process dies, however it dies.

    Raises:
        RunInUse: another driver holds it.
        UserError: the folder cannot be made or written.
    """
    lock = folder / LOCK
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(lock, wait=False))
            lock.write_text(f"process {os.getpid()} on {socket.gethostname()}")
        except LockTaken:
            owner = lock.read_text() or "another process"
            raise RunInUse(
                f"{folder}: {owner} works on this run; wait for it, stop it, or use another name"
            ) from None
        except OSError as error:
            raise UserError(f"{folder}: {error.strerror}; choose another root or make it writable") from error
        try:
            yield
        finally:
            lock.write_text("")
