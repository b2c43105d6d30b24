"""Entries on their way to the store: training never waits for a store that is slow, locked or away.

Each entry is a file first. A thread sends the files in order and deletes them; what is left when the process
dies is sent by the next start of the run.
"""

import logging
import threading
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from orchestrator.tracking.sending.courier import COURIER
from orchestrator.tracking.sending.entry import Entry, send
from orchestrator.tracking.sending.records import Records
from orchestrator.tracking.store import TrackingError, is_full
from search_space.errors import one_line
from trainers.files import written_whole
from trainers.interruption import finishing

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

RETRY_AFTER = 5.0
"""Seconds between attempts while the store fails."""
HASTE = 1.0
"""The same once the run has ended and waits for them."""
PROMPT = 5.0
"""Seconds that an entry whose machine may be lost with its disk is waited for, while the store answers."""
SILENCE = 3.0
"""Seconds that the end of a run waits for the store without saying so."""

_SENDING = threading.Lock()
"""A database takes one writer at a time."""


class Outbox:
    """Sends entries of one run in order; those the store has not taken yet wait in a folder, one file each.

    `prompt`: the folder may be lost with its machine while what depends on it is not.
    """

    def __init__(
        self,
        client: "MlflowClient",
        run_id: str,
        folder: Path,
        records: Records | None = None,
        prompt: bool = False,
    ):
        self.folder = folder
        self._client, self._run_id, self._records = client, run_id, records
        self._prompt, self._closed = prompt, False
        self._retry_after = RETRY_AFTER
        self._failures = 0
        self._refusal: Exception | None = None
        """Why the newest attempt failed; None if it did not."""
        self._naming = threading.Lock()
        self._found = frozenset(self.waiting())
        """Entries that an earlier start left; after a loss of power the store may have any of them."""
        self._numbers = count(max((int(path.stem) for path in self._found), default=-1) + 1)
        # An earlier start of the run, or an attempt that failed, may have sent a part of what comes next.
        self._doubtful = True

    def put(self, entry: Entry) -> None:
        """Keep, and have it sent soon.

        Raises:
            TrackingError: neither the disk takes it nor the store.
        """
        try:
            with self._naming:
                self._keep(entry)
        except OSError as error:
            if not self._sent_at_once(entry):
                raise TrackingError(
                    f"{self.folder}: MLflow does not take the data, and this disk neither "
                    f"({error.strerror}): free some space or make the folder writable, then start the "
                    "run again"
                ) from error
            return
        COURIER.deliver(self.attempt)
        if self._prompt and self._refusal is None:
            self._wait(time.monotonic() + PROMPT, threading.Event())

    def flush(self) -> bool:
        """Send what waits, oldest first; whether nothing waits any more."""
        # A write cut short would leave SQLite's database locked: Ctrl-C waits until it is done.
        with _SENDING, finishing():
            return self._flush()

    def attempt(self) -> float | None:
        """The same, by the courier; seconds until it should try again, None if there is no need."""
        try:
            done = self.flush()
        except Exception as error:  # a file that somebody has damaged; its thread serves other runs too
            self._failed(error)
            done = False
        return None if done or self._closed else self._retry_after

    def drain(self, patience: float, hurried: threading.Event) -> bool:
        """Have all sent, trying for `patience` seconds or until told to hurry; whether nothing is left.

        There is one attempt at least.
        """
        self._retry_after = min(HASTE, RETRY_AFTER)
        if self.waiting():
            COURIER.hasten(self.attempt)
        done = self._wait(time.monotonic() + patience, hurried, at_least=1)
        self._closed = True
        return done

    def discard(self) -> None:
        """Forget what waits, and all that the run was told."""
        with _SENDING, self._naming:
            for path in self.waiting():
                path.unlink()
            self._remove_folder()
            if self._records:
                self._records.delete()

    @property
    def why_it_waits(self) -> str:
        """For the user, after an attempt that failed: what the store said, and the cure."""
        left = f"{self.folder}: MLflow refuses what an earlier start of this run left there"
        if self._refusal and is_full(self._refusal):
            return f"{left}, as the disk is full: free some space, then start the run again"
        reason = f" ({one_line(self._refusal)})" if self._refusal else ""
        return f"{left}{reason}; mend that and start the run again, or move the folder away to go on without"

    def waiting(self) -> list[Path]:
        """Files of entries that are not sent yet, oldest first."""
        return sorted(self.folder.glob("*.json"))

    def _wait(self, deadline: float, hurried: threading.Event, at_least: int = 0) -> bool:
        """Whether nothing waits any more; given up at the deadline, after so many failed attempts."""
        failures, began, said = self._failures, time.monotonic(), False
        while waiting := self.waiting():
            tried = self._failures - failures >= at_least
            if tried and (hurried.is_set() or time.monotonic() >= deadline):
                return False
            if at_least and not said and time.monotonic() - began > SILENCE:
                said = True
                logger.warning("waiting for MLflow, which has %d writes to take", len(waiting))
            time.sleep(0.02)
        return True

    def _flush(self) -> bool:
        for path in self.waiting():
            try:
                entry = _read(path)
            except FileNotFoundError:  # sent by a command on the whole run, see `Tracker.run`
                continue
            if not self._sent(entry, path in self._found):
                return False
            path.unlink(missing_ok=True)
        with self._naming:
            self._remove_folder()
        return True

    def _sent_at_once(self, entry: Entry) -> bool:
        with _SENDING, finishing():
            return not self.waiting() and self._sent(entry)

    def _sent(self, entry: Entry, may_be_there: bool = False) -> bool:
        try:
            send(entry, self._client, self._run_id, again=self._doubtful or may_be_there)
            if self._records:
                self._records.append(entry)
        # Every kind of store has exceptions of its own (database, HTTP, S3); none of them ends a training.
        except Exception as error:
            self._failed(error)
            return False
        self._refusal = None
        self._doubtful = self._doubtful and not entry.images
        return True

    def _failed(self, error: Exception) -> None:
        if self._refusal is None:
            logger.warning("MLflow does not take the data, the run goes on: %s", one_line(error))
        self._refusal = error
        self._failures += 1
        self._doubtful = True

    def _keep(self, entry: Entry) -> None:
        with written_whole(self.folder / f"{next(self._numbers):08d}.json") as file:
            file.write(entry.model_dump_json().encode())

    def _remove_folder(self) -> None:
        """Unless something waits in it again; with what a process that was killed has left half written."""
        if self.waiting():
            return
        for partial in self.folder.glob("*.partial"):
            partial.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()


def _read(path: Path) -> Entry:
    """Raises:
    TrackingError: the file is not what an earlier start of the run has left.
    """
    try:
        return Entry.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]["msg"]
        raise TrackingError(
            f"{path}: {problem}; move the file away to go on without what it holds"
        ) from error
