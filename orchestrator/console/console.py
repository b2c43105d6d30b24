"""The output of a run: a progress bar on a terminal, plain lines in a log."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from orchestrator.console.progress import Progress, metrics_in_words, report_line
from search_space.errors import printable
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


PLAIN_WIDTH = 140
"""Characters in a line of a table that goes to a file."""


def quiet() -> None:
    """Keep libraries from talking between our lines; to be called before they are imported."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


class StageView(Protocol):
    """Where the reports of one stage are shown."""

    def report(self, report: "Report") -> None:
        """Show the newest state of the stage."""


class Console:
    """Writes for people: to stdout, or to stderr where stdout is for programs (`--json`)."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._rich: RichConsole | None = None
        self._ahead = 0
        self.run: str | None = None
        """Name of the run that has begun: with it, an interrupted command goes on."""
        if self._stream.isatty():
            import rich.console

            self._rich = rich.console.Console(file=self._stream)

    def say(self, text: str) -> None:
        """One line, at once; above the progress bar while there is one."""
        text = printable(text)
        if self._rich:
            self._rich.print(text, markup=False, highlight=False)
        else:
            print(text, file=self._stream, flush=True)

    def show(self, drawing: "RenderableType") -> None:
        """A table or the like; where this is no terminal, as plain text."""
        import rich.console

        console = self._rich or rich.console.Console(file=self._stream, width=PLAIN_WIDTH)
        console.print(drawing)

    @contextmanager
    def ahead(self, steps: int) -> Iterator[None]:
        """So many steps follow after the stages within: their time counts in what is left in all."""
        self._ahead += steps
        try:
            yield
        finally:
            self._ahead -= steps

    @contextmanager
    def stage(self, name: str, total_steps: int, first_step: int = 0) -> Iterator[StageView]:
        """Show the reports of a stage until it is left; then say how long it took, unless it failed.

        `first_step` is the step that a resumed stage continues from.
        """
        progress = Progress(name, total_steps, first_step, ahead=self._ahead)
        if first_step:
            self.say(_resumed(name, total_steps, first_step))
        elif not self._rich:
            self.say(f"{name}: {total_steps} steps")
        if self._rich:
            from rich.live import Live

            bar = _Bar(progress)
            with Live(bar, console=self._rich), watched_by(progress.ticked):
                yield bar
        else:
            with watched_by(progress.ticked):
                yield _Lines(progress, self)
        self.say(f"{name}: done in {progress.elapsed}")

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
    """One line a report."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress, self._console = progress, console

    def report(self, report: "Report") -> None:
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
