"""Entries on their way to the store: training never waits for a store that does not answer, and nothing is
lost."""

import logging
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from orchestrator.tracking.entry import Entry, send
from orchestrator.tracking.store import TrackingError, is_full
from search_space.errors import one_line
from trainers.files import written_whole
from trainers.interruption import finishing

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

RETRY_AFTER = 30.0
"""Seconds between attempts while the store fails: an attempt holds up the training until it times out."""


class Outbox:
    """Sends entries of one run in order; those the store refuses wait in a folder, one file each."""

    def __init__(self, client: "MlflowClient", run_id: str, folder: Path):
        self.folder = folder
        self._client, self._run_id = client, run_id
        self._next_attempt = 0.0
        self._refusal: Exception | None = None
        """Why the newest attempt failed."""
        self._lock = threading.Lock()
        # An earlier start of the run, or an attempt that failed, may have sent a part of what comes next.
        self._doubtful = True

    def put(self, entry: Entry) -> None:
        """Send, or keep for later.

        Raises:
            TrackingError: neither the store takes it nor the disk.
        """
        # A write cut short would leave SQLite's database locked: Ctrl-C waits until it is done.
        with self._lock, finishing():
            if not self.waiting():
                if not self._sent(entry):
                    self._keep(entry)
                return
            self._keep(entry)
            if time.monotonic() >= self._next_attempt:
                self._flush()

    def flush(self) -> bool:
        """Send what waits, oldest first; whether nothing waits any more."""
        with self._lock, finishing():
            return self._flush()

    def drain(self, patience: float, hurried: threading.Event, pause: float = 2.0) -> bool:
        """Send what waits, trying for `patience` seconds or until told to hurry; whether nothing is left."""
        deadline = time.monotonic() + patience
        while not self.flush():
            if time.monotonic() + pause > deadline or hurried.wait(pause):
                return False
        return True

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

    def _flush(self) -> bool:
        for path in self.waiting():
            if not self._sent(_read(path)):
                return False
            path.unlink()
        shutil.rmtree(self.folder, ignore_errors=True)
        return True

    def _sent(self, entry: Entry) -> bool:
        try:
            send(entry, self._client, self._run_id, again=self._doubtful)
        # Every kind of store has exceptions of its own (database, HTTP, S3); none of them ends a training.
        except Exception as error:
            if not self.waiting():
                logger.warning("MLflow does not take the data, the run goes on: %s", one_line(error))
            self._refusal = error
            self._next_attempt = time.monotonic() + RETRY_AFTER
            self._doubtful = True
            return False
        self._doubtful = self._doubtful and not entry.images
        return True

    def _keep(self, entry: Entry) -> None:
        waiting = self.waiting()
        number = int(waiting[-1].stem) + 1 if waiting else 0
        try:
            with written_whole(self.folder / f"{number:08d}.json") as file:
                file.write(entry.model_dump_json().encode())
        except OSError as error:
            raise TrackingError(
                f"{self.folder}: MLflow does not take the data, and this disk neither ({error.strerror}): "
                "free some space or make the folder writable, then start the run again"
            ) from error


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
