"""Progress and remaining time of a stage, as rich's progress bar and as text for a log line."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from trainers.report import Report

FIRST = ("loss_", "tau", "entropy_", "score_")
"""What a line begins with, by the beginnings of metrics' names: the course of training, then its scores."""

SPEED = "images_per_second"

WINDOW = 5
"""The remaining time is estimated from the last reports, as far back as so many of the slowest ones take:
evaluations, which make some reports slow, then count as often as they happen."""

UNKNOWN = "?:??:??"


class Progress:
    """The steps of one stage, told by its reports; a stage that resumes begins at `first_step`."""

    def __init__(
        self,
        name: str,
        total_steps: int,
        first_step: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.total_steps, self.step = name, total_steps, first_step
        self._clock = clock
        self._began = self._reported = clock()
        self._origin = (self._began, first_step)
        self._slowest = 0.0
        self.bar = self._drawn()
        """One row, drawn anew several times a second where it is shown."""
        self._task = self.bar.add_task(name, total=total_steps, completed=first_step)

    def reached(self, step: int) -> None:
        """A report of this step has come."""
        now = self._clock()
        if step > self.step:
            if self._reported > self._began:
                self._slowest = max(self._slowest, now - self._reported)
            self.bar.speed_estimate_period = WINDOW * (self._slowest or now - self._reported)
        else:  # steps are repeated after a failure: their pace counts from here
            self.bar.speed_estimate_period = self._slowest = 0.0
            self._origin = (now, step)
        self._reported, self.step = now, step
        self.bar.update(self._task, completed=step)

    @property
    def remaining(self) -> str:
        """Time left, as h:mm:ss, counting down between reports; ?:??:?? before the first report."""
        since, first = self._origin
        pace = self.bar.tasks[0].speed
        if not pace and self.step > first:  # the first report: its pace is that since the stage began
            pace = (self.step - first) / max(self._reported - since, 1e-9)
        if not pace:
            return UNKNOWN
        return in_words((self.total_steps - self.step) / pace - (self._clock() - self._reported))

    @property
    def elapsed(self) -> str:
        """Time since the stage began in this process, as h:mm:ss."""
        return in_words(self._clock() - self._began)

    def __rich__(self) -> str:
        """The time left, for the bar."""
        return f"{self.remaining} left"

    def _drawn(self) -> "RichProgress":
        from rich import progress
        from rich.text import Text

        return progress.Progress(
            progress.RenderableColumn(Text(self.name, style="bold")),
            progress.BarColumn(bar_width=30),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            progress.RenderableColumn(self),
            get_time=self._clock,
        )


def in_words(seconds: float) -> str:
    """A duration as h:mm:ss."""
    return str(timedelta(seconds=max(round(seconds), 0)))


def report_line(progress: Progress, report: "Report") -> str:
    """One plain line of a log: where the stage is and all of its numbers."""
    width = len(str(progress.total_steps))
    where = f"{progress.name} {report.step:>{width}}/{progress.total_steps}"
    return f"{where}  eta {progress.remaining}  {metrics_in_words(report.metrics)}"


def metrics_in_words(metrics: Mapping[str, float]) -> str:
    """Losses, tau, entropies, scores of D, scores of the images, speed."""

    def place(name: str) -> int:
        return next((i for i, beginning in enumerate(FIRST) if name.startswith(beginning)), len(FIRST))

    words = [f"{name} {metrics[name]:.4g}" for name in sorted(metrics, key=place) if name != SPEED]
    if SPEED in metrics:
        words.append(f"{metrics[SPEED]:.0f} images/s")
    return "  ".join(words)
