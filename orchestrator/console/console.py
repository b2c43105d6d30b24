"""The output of a run: a progress bar on a terminal, plain lines in a log."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from orchestrator.console.outlook import Outlook, Work
from orchestrator.console.progress import Progress, metrics_in_words, report_line, step_line
from search_space.errors import printable
from trainers.strategies.strategy import Effort
from trainers.ticks import watched_by

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.console import RenderableType, RichCast

    from trainers.report import Report

QUIET: Mapping[str, str] = {
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}
"""Environment of libraries that would otherwise talk between our lines; what the user has set stays. Ray is
quiet as it is started, see `cluster.session`."""


PATIENCE = 20.0
"""Seconds without a report after which a log gets a first estimate."""

PLAIN_WIDTH = 140
"""Characters in a line of a table that goes to a file."""


def quiet() -> None:
    """Keep libraries from talking between our lines; to be called before they are imported."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


class StageView(Protocol):
    """A view that shows the reports of one stage."""

    def report(self, report: "Report") -> None:
        """Show the newest state of the stage."""


class Console:
    """The console writes for people: to stdout, or to stderr if stdout is for programs (`--json`)."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._rich: RichConsole | None = None
        self._ahead: list[Work] = []
        self.outlook = Outlook()
        """The measured costs of this command's parts."""
        self.run: str | None = None
        """Name of the run that has begun: an interrupted command continues under it."""
        if self._stream.isatty():
            import rich.console

            self._rich = rich.console.Console(file=self._stream)

    def say(self, text: str) -> None:
        """Print one line at once, above the progress bar if there is one."""
        text = printable(text)
        if self._rich:
            self._rich.print(text, markup=False, highlight=False)
        else:
            print(text, file=self._stream, flush=True)

    def show(self, drawing: "RenderableType") -> None:
        """Print a table or the like; as plain text if this is no terminal."""
        import rich.console

        console = self._rich or rich.console.Console(file=self._stream, width=PLAIN_WIDTH)
        console.print(drawing)

    @contextmanager
    def ahead(self, *works: Work) -> Iterator[None]:
        """Count work that follows after the stages within in the time left of the command."""
        before, self._ahead = self._ahead, [*self._ahead, *works]
        try:
            yield
        finally:
            self._ahead = before

    @contextmanager
    def stage(
        self,
        name: str,
        total_steps: int,
        first_step: int = 0,
        kind: str | None = None,
        images_after: Callable[[int], int] | None = None,
        effort: Callable[[int], Effort] = Effort,
    ) -> Iterator[StageView]:
        """Show the reports of a stage until it is left; then say how long it took, unless it failed.

        `first_step` is the step that a resumed stage continues from, `kind` that of its steps (its name
        unless given), `images_after` the number of images that are scored after a step, and `effort` what
        the steps up to one take.
        """
        outlook, ahead = self.outlook, self._ahead
        progress = Progress(
            name,
            total_steps,
            first_step,
            later=lambda pace: outlook.seconds(ahead, pace),
            images_after=images_after,
            image_seconds=outlook.image,
            effort=effort,
        )
        if first_step:
            self.say(_resumed(name, total_steps, first_step))
        elif not self._rich:
            self.say(f"{name}: {total_steps} steps")
        yield from self._shown(progress)
        outlook.learn(kind or name, progress)
        self.say(f"{name}: done in {progress.elapsed}")

    def _shown(self, progress: Progress) -> Iterator[StageView]:
        if self._rich:
            from rich.live import Live

            bar = _Bar(progress)
            with Live(bar, console=self._rich), watched_by(progress.ticked):
                yield bar
        else:
            lines = _Lines(progress, self)
            with watched_by(lines.ticked):
                yield lines

    @contextmanager
    def live(self, drawing: "RichCast") -> Iterator[bool]:
        """Draw something anew several times a second; False where there is no terminal, and nothing drawn.

        At its end the drawing goes, for the result to take its place; what was interrupted stays.
        """
        if self._rich is None:
            yield False
            return
        from rich.live import Live

        with Live(drawing, console=self._rich, transient=True) as live:
            try:
                yield True
            except BaseException:
                live.transient = False
                raise


def _resumed(name: str, total_steps: int, first_step: int) -> str:
    if first_step >= total_steps:
        return f"{name}: all {total_steps} steps were done before"
    return f"{name}: continuing from step {first_step} of {total_steps}"


class _Lines:
    """One line a report; a first estimate of the time, if the first report takes long to come."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress, self._console = progress, console
        self._silent = True

    def ticked(self, step: int) -> None:
        self._progress.ticked(step)
        if self._silent and self._progress.seconds > PATIENCE and self._progress.pace:
            self._silent = False
            self._console.say(step_line(self._progress))

    def report(self, report: "Report") -> None:
        self._silent = False
        self._progress.reached(report.step)
        self._console.say(report_line(self._progress, report))


class _Bar:
    """The progress bar, with the newest metrics below it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._metrics: Mapping[str, float] = {}

    def report(self, report: "Report") -> None:
        self._progress.reached(report.step)
        self._metrics = report.metrics

    def __rich__(self) -> "RenderableType":
        from rich.console import Group
        from rich.text import Text

        return Group(self._progress.bar, Text(metrics_in_words(self._metrics)))
