"""Progress and remaining time of a stage, as rich's progress bar and as text for a log line."""

import time
from bisect import bisect_left
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from trainers.strategies.strategy import Effort

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from trainers.report import Report

FIRST = ("loss_", "tau", "entropy_", "score_")
"""The metrics that begin a line, by the beginnings of their names: the course of training, then scores."""

SPEED = "images_per_second"

UNKNOWN = "?:??:??"

SCORING = 0.7
"""A genotype's score within a step, before one is measured, as a share of a step (measured with `digits`)."""


class Progress:
    """The steps of one stage, told by its ticks and reports; a stage that resumes begins at `first_step`.

    The time left is that of the steps left, at the pace of the newer half of those done, that of the
    genotypes that steps will score, and that of the reports left, each as long as those so far or, where
    images are scored, as their number says. So neither slow first steps nor evaluations mislead it.
    """

    def __init__(
        self,
        name: str,
        total_steps: int,
        first_step: int = 0,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float], float] | None = None,
        images_after: Callable[[int], int] | None = None,
        image_seconds: float | None = None,
        effort: Callable[[int], Effort] = Effort,
    ) -> None:
        """Begin to measure.

        Args:
            name: of the stage.
            total_steps: its last step.
            first_step: the step that it resumes from.
            clock: seconds.
            later: the time of the command's later work, by the pace of this stage; None where none follows.
            images_after: number of images that are scored at reports after a step.
            image_seconds: what an image took to score before this stage.
            effort: what the steps up to one take.
        """
        self._effort = effort
        self._scoring, self._genotypes = 0.0, 0
        """Seconds of the genotypes that were scored within steps, and their number."""
        self._later, self._images_after, self._image_seconds = later, images_after, image_seconds
        self._scored_at: float | None = None
        """Seconds that an image took at the newest scores."""
        self._scorings = 0
        self.name, self.total_steps, self.step = name, total_steps, first_step
        self._first_step = first_step
        self._clock = clock
        self._began = clock()
        self._start_over(first_step)
        self.bar = self._drawn()
        """One row, drawn anew several times a second where it is shown."""
        self._task = self.bar.add_task(name, total=total_steps, completed=first_step)

    def _start_over(self, step: int) -> None:
        """Measure paces from here on."""
        self._latest = self._clock()
        self._reporting = 0.0
        """Seconds spent on reports and evaluations."""
        self._reports, self._reported_at = 0, step
        self._every = 0
        """Steps from one report to the next."""
        self._course = [(self._effort(step).training, self._latest - self._scoring)]
        """Pairs of the training done and the time it took, without that of reports and scores."""

    def ticked(self, step: int) -> None:
        """Count a step that is done."""
        self._reach(step)

    def reached(self, step: int) -> None:
        """Count a report of this step: the time since the step was done went into it."""
        before = self._latest
        if self._reach(step):
            took = self._clock() - before
            self._reporting += took
            self._reports += 1
            if images := self._images(self._reported_at) - self._images(step):
                self._scored_at, self._scorings = took / images, self._scorings + 1
        self._every = max(self._every, step - self._reported_at)
        self._reported_at = step

    def _reach(self, step: int) -> bool:
        """Whether the step was done before."""
        now = self._clock()
        if step < self.step or (step == self.step and step == self._reported_at):
            self._start_over(step)  # steps are repeated after a failure
        known = step == self.step and len(self._course) > 1
        if not known:
            self._score_within(step, now - self._latest)
            self._course.append((self._effort(step).training, now - self._reporting - self._scoring))
        self._latest, self.step = now, step
        self.bar.update(self._task, completed=step)
        return known

    def _score_within(self, step: int, took: float) -> None:
        """Tell the time of genotypes that were scored since the last step from that of training."""
        before, now = self._effort(self.step), self._effort(step)
        if (count := now.scorings - before.scorings) > 0:
            self._scoring += max(took - (now.training - before.training) * (self.pace or 0.0), 0.0)
            self._genotypes += count

    @property
    def remaining(self) -> str:
        """Time left, as h:mm:ss, counting down; ?:??:?? before the first step."""
        left = self.seconds_left
        return UNKNOWN if left is None else in_words(left)

    @property
    def whole_run(self) -> str:
        """Time left of the command, later work included; empty where none follows."""
        left, pace = self.seconds_left, self.pace
        if left is None or pace is None or self._later is None:
            return ""
        later = self._later(pace)
        return f", whole run about {in_words(left + later)}" if later else ""

    def _images(self, step: int) -> int:
        """Number of images that are scored at reports after a step."""
        return self._images_after(step) if self._images_after else 0

    @property
    def image_seconds(self) -> float | None:
        """Seconds to score one image. The first scores of a command also prepare the real images."""
        return self._scored_at if self._scorings > 1 or not self._image_seconds else self._image_seconds

    @property
    def pace(self) -> float | None:
        """Seconds of a step that trains everything, over the newer half of the training; None before it."""
        first, newest = self._course[0][0], self._course[-1]
        if len(self._course) < 2 or newest[0] == first:
            return None
        half = bisect_left(self._course, first + (newest[0] - first) / 2, key=lambda point: point[0])
        while half and self._course[half][0] == newest[0]:
            half -= 1  # the last steps trained nothing
        trained, then = self._course[half]
        return (newest[1] - then) / (newest[0] - trained)

    @property
    def seconds_left(self) -> float | None:
        """Time left; None before the first step."""
        pace = self.pace
        if pace is None:
            return None
        now, end = self._effort(self.step), self._effort(self.total_steps)
        scoring = self._scoring / self._genotypes if self._genotypes else SCORING * pace
        left = (end.training - now.training) * pace + (end.scorings - now.scorings) * scoring
        return left + self._reporting_left() - (self._clock() - self._latest)

    def _reporting_left(self) -> float:
        if (images := self._images(self._reported_at)) and self.image_seconds:
            return images * self.image_seconds
        every = self._every or self.total_steps
        reports = -(-self.total_steps // every) - self._reported_at // every
        return reports * (self._reporting / self._reports if self._reports else 0.0)

    @property
    def steps(self) -> int:
        """Steps done in this process."""
        return self.step - self._first_step

    @property
    def stepping(self) -> float:
        """Seconds of these steps."""
        trained = self._effort(self.step).training - self._effort(self._first_step).training
        return trained * (self.pace or 0.0) + self._scoring

    @property
    def images(self) -> int:
        """Images scored in this process."""
        return self._images(self._first_step) - self._images(self._reported_at)

    @property
    def seconds(self) -> float:
        """Time since the stage began in this process."""
        return self._clock() - self._began

    @property
    def elapsed(self) -> str:
        """That time as h:mm:ss."""
        return in_words(self.seconds)

    def __rich__(self) -> str:
        """The time left, for the bar."""
        return f"{self.remaining} left{self.whole_run}"

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
    return f"{step_line(progress)}  {metrics_in_words(report.metrics)}".rstrip()


def step_line(progress: Progress) -> str:
    """Where the stage is, and the time left."""
    width = len(str(progress.total_steps))
    where = f"{progress.name} {progress.step:>{width}}/{progress.total_steps}"
    return f"{where}  eta {progress.remaining}{progress.whole_run}"


def metrics_in_words(metrics: Mapping[str, float]) -> str:
    """Losses, tau, entropies, scores of D, scores of the images, speed."""

    def place(name: str) -> int:
        return next((i for i, beginning in enumerate(FIRST) if name.startswith(beginning)), len(FIRST))

    words = [f"{name} {metrics[name]:.4g}" for name in sorted(metrics, key=place) if name != SPEED]
    if SPEED in metrics:
        words.append(f"{metrics[SPEED]:.0f} images/s")
    return "  ".join(words)
