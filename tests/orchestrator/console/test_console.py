import io
import os
import re
from functools import partial

import pytest

from orchestrator.console.console import QUIET, Console, quiet
from orchestrator.console.progress import Progress
from trainers.report import Report
from trainers.ticks import tick


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def reports():
    return [Report(step=step, metrics={"loss_generator": step / 8, "tau": 5.0}) for step in (2, 4)]


def test_a_log_gets_a_line_a_report():
    stream = io.StringIO()
    with Console(stream).stage("search", 4) as stage:
        for report in reports():
            stage.report(report)
    first, second, third, last = stream.getvalue().splitlines()
    assert first == "search: 4 steps"
    assert re.fullmatch(r"search 2/4  eta \d:\d\d:\d\d  loss_generator 0\.25  tau 5", second)
    assert re.fullmatch(r"search 4/4  eta 0:00:00  loss_generator 0\.5  tau 5", third)
    assert re.fullmatch(r"search: done in \d:\d\d:\d\d", last)


def test_a_log_gets_one_estimate_before_a_first_report_that_takes_long(monkeypatch):
    stream, now = io.StringIO(), [0.0]
    monkeypatch.setattr("orchestrator.console.console.Progress", partial(Progress, clock=lambda: now[0]))
    with Console(stream).stage("search", 100) as stage:
        for step in range(1, 31):
            now[0] += 2.0
            tick(step)
        stage.report(Report(step=30, metrics={"tau": 5.0}))
    assert stream.getvalue().splitlines() == [
        "search: 100 steps",
        "search  11/100  eta 0:02:58",
        "search  30/100  eta 0:02:20  tau 5",
        "search: done in 0:01:00",
    ]


@pytest.mark.parametrize(
    ("first_step", "line"),
    [
        (150, "search: continuing from step 150 of 300"),
        (300, "search: all 300 steps were done before"),
    ],
)
@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_a_resumed_stage_says_where_it_continues(first_step, line, kind):
    stream = kind()
    with Console(stream).stage("search", 300, first_step):
        pass
    assert line in stream.getvalue()


def test_a_terminal_gets_a_bar_with_time_and_metrics(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    stream = Terminal()
    console = Console(stream)
    with console.stage("search", 4) as stage:
        for report in reports():
            stage.report(report)
        console.say("[red]words between[/red]")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "━━━" in shown
    assert "4/4" in shown
    assert "0:00:00 left" in shown
    assert "loss_generator 0.5  tau 5" in shown
    assert "[red]words between[/red]" in shown
    assert "search: done in" in shown


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["log", "terminal"])
def test_a_stage_that_fails_is_not_said_to_be_done(stream):
    with pytest.raises(RuntimeError, match="boom"), Console(stream).stage("search", 4):
        raise RuntimeError("boom")
    assert "done" not in stream.getvalue()


class Drawing:
    def __rich__(self):
        return "the drawing"


def test_a_live_drawing_makes_way_for_the_result_but_stays_when_interrupted(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    erased = "\x1b[1A\x1b[2K"
    done, interrupted = Terminal(), Terminal()
    with Console(done).live(Drawing()):
        pass
    with pytest.raises(KeyboardInterrupt), Console(interrupted).live(Drawing()):
        raise KeyboardInterrupt
    assert erased in done.getvalue().rpartition("the drawing")[2]
    assert erased not in interrupted.getvalue().rpartition("the drawing")[2]


def test_libraries_are_quiet_unless_the_user_wants_to_hear_them(monkeypatch):
    for name in QUIET:
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_LOGGING_LEVEL", "DEBUG")
    quiet()
    assert os.environ["MLFLOW_LOGGING_LEVEL"] == "DEBUG"
    assert os.environ["GIT_PYTHON_REFRESH"] == "quiet"
