"""Entries on their way to the store: whatever the store does, the training goes on and nothing is lost."""

import logging
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.tracking.entry import Entry, send
from orchestrator.tracking.store import one_line

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
        self._lock = threading.Lock()

    def put(self, entry: Entry) -> None:
        """Send, or keep for later."""
        with self._lock:
            if not self.waiting():
                if not self._sent(entry):
                    self._keep(entry)
                return
            self._keep(entry)
            if time.monotonic() >= self._next_attempt:
                self._flush()

    def flush(self) -> bool:
        """Send what waits, oldest first; whether nothing waits any more."""
        with self._lock:
            return self._flush()

    def drain(self, patience: float, pause: float = 2.0) -> bool:
        """Send what waits, trying for `patience` seconds; whether nothing waits any more."""
        deadline = time.monotonic() + patience
        while not self.flush():
            if time.monotonic() + pause > deadline:
                return False
            time.sleep(pause)
        return True

    def waiting(self) -> list[Path]:
        """Files of entries that are not sent yet, oldest first."""
        return sorted(self.folder.glob("*.json"))

    def _flush(self) -> bool:
        for path in self.waiting():
            if not self._sent(Entry.model_validate_json(path.read_bytes())):
                return False
            path.unlink()
        shutil.rmtree(self.folder, ignore_errors=True)
        return True

    def _sent(self, entry: Entry) -> bool:
        try:
            send(entry, self._client, self._run_id)
        # Every kind of store has exceptions of its own (database, HTTP, S3); none of them ends a training.
        except Exception as error:
            if not self.waiting():
                logger.warning("MLflow does not take the data, the run goes on: %s", one_line(error))
            self._next_attempt = time.monotonic() + RETRY_AFTER
            return False
        return True

    def _keep(self, entry: Entry) -> None:
        """Appear under the final name only when complete: the process may be killed at any time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        waiting = self.waiting()
        number = int(waiting[-1].stem) + 1 if waiting else 0
        path = self.folder / f"{number:08d}.json"
        partial = path.with_suffix(".partial")
        partial.write_text(entry.model_dump_json(), encoding="utf-8")
        partial.replace(path)
