"""The thread that writes to MLflow, one for all runs of this process: training does not wait for it."""

import threading
import time
from collections.abc import Callable

Attempt = Callable[[], float | None]
"""Sends what a run has to send; returns seconds until it should be tried again, None if all is done."""


class Courier:
    """Makes attempts in the order in which they are due."""

    def __init__(self) -> None:
        self._due: dict[Attempt, float] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def deliver(self, attempt: Attempt) -> None:
        """Have it made soon; returns at once."""
        with self._changed:
            # While a store fails, entries that follow do not bring the next attempt forward.
            self._due.setdefault(attempt, 0.0)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
                self._thread.start()
            self._changed.notify()

    def hasten(self, attempt: Attempt) -> None:
        """Have it made now, even if one has just failed."""
        with self._changed:
            self._due.pop(attempt, None)
        self.deliver(attempt)

    def _work(self) -> None:
        while True:
            attempt = self._next()
            again = attempt()
            if again is not None:
                with self._changed:
                    self._due[attempt] = time.monotonic() + again

    def _next(self) -> Attempt:
        with self._changed:
            while True:
                attempt = min(self._due, key=self._due.__getitem__, default=None)
                pause = None if attempt is None else self._due[attempt] - time.monotonic()
                if attempt is not None and pause is not None and pause <= 0:
                    del self._due[attempt]
                    return attempt
                self._changed.wait(pause)


COURIER = Courier()
