"""One driver per run: two would train it twice and overwrite each other's checkpoints."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search_space.errors import UserError

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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("a+")
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}; choose another root or make it writable") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read() or "another process"
            raise RunInUse(
                f"{folder}: {owner} works on this run; wait for it, stop it, or use another name"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
