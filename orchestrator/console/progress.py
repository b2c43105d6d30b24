"""How far a stage is and when it will be done, in words that fit a log line."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainers.report import Report

FIRST = ("loss_", "tau", "entropy_", "score_")
"""What a line begins with, by the beginnings of metrics' names: the course of training, then its scores."""

SPEED = "images_per_second"

WINDOW = 5
"""Reports that the remaining time is estimated from: recent ones, as evaluations make some of them slow."""


class Progress:
    """The steps of one stage, told by its reports; the first may be of any step, as runs go on."""

    def __init__(self, total_steps: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total_steps = total_steps
        self.step = 0
        self._clock = clock
        self._began = clock()
        self._seen: deque[tuple[float, int]] = deque(maxlen=WINDOW)
        self._end: float | None = None

    def reached(self, step: int) -> None:
        """A report of this step has come."""
        if self._seen and step <= self._seen[-1][1]:
            self._seen.clear()  # steps are repeated after a failure
        self._seen.append((self._clock(), step))
        self.step = step
        # Before the second report all that is known is how long it took to get here from an unknown step.
        since, first = self._seen[0] if len(self._seen) > 1 else (self._began, 0)
        pace = (self._seen[-1][0] - since) / (step - first)
        self._end = self._seen[-1][0] + pace * (self.total_steps - step)

    @property
    def remaining(self) -> str:
        """Time left, as h:mm:ss; ?:??:?? before the first report."""
        return "?:??:??" if self._end is None else in_words(self._end - self._clock())

    @property
    def elapsed(self) -> str:
        """Time since the stage began in this process, as h:mm:ss."""
        return in_words(self._clock() - self._began)


def in_words(seconds: float) -> str:
    """A duration as h:mm:ss."""
    return str(timedelta(seconds=max(round(seconds), 0)))


def report_line(name: str, progress: Progress, report: "Report") -> str:
    """One plain line of a log: where the stage is and all of its numbers."""
    width = len(str(progress.total_steps))
    where = f"{name} {report.step:>{width}}/{progress.total_steps}"
    return f"{where}  eta {progress.remaining}  {metrics_in_words(report.metrics)}"


def metrics_in_words(metrics: Mapping[str, float]) -> str:
    """Losses, tau, entropies, scores of D, scores of the images, speed."""

    def place(name: str) -> int:
        return next((i for i, beginning in enumerate(FIRST) if name.startswith(beginning)), len(FIRST))

    words = [f"{name} {metrics[name]:.4g}" for name in sorted(metrics, key=place) if name != SPEED]
    if SPEED in metrics:
        words.append(f"{metrics[SPEED]:.0f} images/s")
    return "  ".join(words)
