"""Who works on a run of an object store: stores have no locks, so drivers write down that they are alive.

Of two drivers that begin at once, the one that looks later sees the other's claim: at most one goes on.
No clocks are compared: a claim whose content stays the same for `LEASE_S` is of a driver that has died.
"""

import logging
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from orchestrator.checkpoints.object_store import MirrorError
from orchestrator.checkpoints.stored_folder import StoredFolder
from trainers.interruption import raise_if_interrupted
from trainers.locks import RunInUse, sole_driver

if TYPE_CHECKING:
    from orchestrator.config.experiment import Experiment

RENEWED_EVERY_S = 15.0
LOOK_EVERY_S = 3.0
LEASE_S = 60.0
"""Longer than a driver that is alive ever takes to renew its claim."""
READS = 3

CLAIMS = ".driver"
"""Folder of claims, in that of the run; hidden, it is copied nowhere."""

MACHINE_FILE = ".machine"
"""In the scratch folder: a name that no other machine has."""

logger = logging.getLogger(__name__)


@contextmanager
def sole_owner(experiment: "Experiment", folder: Path) -> Iterator[None]:
    """Hold a folder of runs, as `sole_driver` does; of an object store, against all machines, and up to date.

    Raises:
        RunInUse: another driver holds it.
        UserError: the folder cannot be written, or the store cannot be reached.
    """
    with claimed(experiment, folder) as stored:
        if stored:
            stored.begin()
        yield
        if stored:
            stored.send()


@contextmanager
def claimed(experiment: "Experiment", folder: Path) -> Iterator[StoredFolder | None]:
    """Hold it as it is; the folder in the store, if there is one.

    Raises:
        RunInUse: another driver holds it.
        UserError: the folder cannot be written, or the store cannot be reached.
    """
    with sole_driver(folder):
        if experiment.object_store is None:
            yield None
            return
        stored = StoredFolder(experiment.object_store, experiment.folder, folder)
        with _claimed(stored, _machine(experiment.folder)):
            yield stored


@contextmanager
def _claimed(stored: StoredFolder, machine: str) -> Iterator[None]:
    claim = _Claim(stored, machine)
    claim.take()
    ended = threading.Event()
    keeper = threading.Thread(target=claim.keep, args=(ended,), name="claim", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()  # it may be renewing the claim just now
        claim.withdraw()


class _Claim:
    def __init__(self, stored: StoredFolder, machine: str) -> None:
        self._stored, self._machine = stored, machine
        self._file = f"{CLAIMS}/{uuid4().hex}"
        self._renewed = 0

    def take(self) -> None:
        """Wait until those who hold the run turn out to be dead.

        Raises:
            RunInUse: one of them is alive.
        """
        while True:
            self._write()
            if not (others := self._others()):
                return
            self.withdraw()
            self._outlive(others)
            time.sleep(random.uniform(0, 1))  # two who begin at once would see each other again and again

    def withdraw(self) -> None:
        """Let others work; while the store is away, they find out by themselves."""
        with suppress(MirrorError):
            self._stored.delete(self._file)

    def keep(self, ended: threading.Event) -> None:
        """Renew it; if another driver has taken over, as the store was away for long, end this process."""
        while not ended.wait(RENEWED_EVERY_S):
            with suppress(MirrorError):
                if self._file not in self._seen():
                    if not ended.is_set():
                        where = self._stored.address
                        logger.warning("%s: another driver has taken over; this one ends", where)
                        os.kill(os.getpid(), signal.SIGTERM)
                    return
                self._write()

    def _write(self) -> None:
        self._renewed += 1
        owner = f"process {os.getpid()} on {socket.gethostname()}"
        self._stored.write(self._file, "\n".join((owner, self._machine, str(self._renewed))))

    def _others(self) -> Mapping[str, str]:
        """Claims by file; those of this machine are of drivers that died, as its lock is held here."""
        others = {file: text for file, text in self._seen().items() if file != self._file}
        for file, text in others.items():
            if self._machine in text.splitlines():
                self._stored.delete(file)
        return {file: text for file, text in others.items() if self._machine not in text.splitlines()}

    def _seen(self) -> Mapping[str, str]:
        """All claims. One that goes or is renewed while it is read may fail."""
        for _ in range(READS - 1):
            with suppress(MirrorError):
                return self._stored.texts(CLAIMS)
        return self._stored.texts(CLAIMS)

    def _outlive(self, others: Mapping[str, str]) -> None:
        until = time.monotonic() + LEASE_S
        while others and time.monotonic() < until:
            raise_if_interrupted()
            time.sleep(LOOK_EVERY_S)
            now = self._seen()
            for file, text in others.items():
                if now.get(file, text) != text:
                    owner = text.splitlines()[0]
                    raise RunInUse(
                        f"{self._stored.address}: {owner} works on this run; wait for it, stop it, or use "
                        "another name"
                    )
            others = {file: text for file, text in others.items() if file in now}
        for file in others:
            self._stored.delete(file)


def _machine(scratch: Path) -> str:
    """The name of this machine's scratch folder, which only its own drivers know."""
    file = scratch / MACHINE_FILE
    with suppress(FileExistsError), file.open("x") as new:
        new.write(uuid4().hex)
    return file.read_text()
