"""MLflow does not take what a run says, as its server is away or its database is locked: nothing is lost."""

import logging
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from orchestrator.checkpoints.store import CheckpointStore
from orchestrator.tracking.run import TrackedRun
from orchestrator.tracking.sending import outbox
from tests.mlflow_server import server_of
from tests.orchestrator.disturbed import KILLED, Disturbed, Second, die, nothing, wrap
from trainers.report import Report

pytestmark = pytest.mark.usefixtures("one_thread")


def test_an_mlflow_server_that_is_away_in_the_middle(
    run: Disturbed,
    undisturbed: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(outbox, "RETRY_AFTER", 0.2)
    with server_of(f"sqlite:///{run.root / 'mlflow.db'}", run.root / "served") as server:

        def come_and_go(_tracked: TrackedRun, report: Report) -> None:
            if report.step == 2:
                server.stop()
            elif report.step == 3:
                server.start()

        wrapped = TrackedRun.report
        monkeypatch.setattr(TrackedRun, "report", lambda *given: [come_and_go(*given), wrapped(*given)])
        uri = f"http://127.0.0.1:{server.port}"
        assert run.run_here(tracking__uri=uri) == 0
        run.assert_as_if_nothing_had_happened(undisturbed, MlflowClient(uri))
    assert caplog.text.count("MLflow does not take the data, the run goes on") == 1


HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
database.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_database_that_another_process_locks_does_not_hold_up_training(
    run: Disturbed,
    undisturbed: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One attempt to write to a locked database takes 20 seconds."""
    wrapped, ended = TrackedRun.report, TrackedRun.finish
    held: list[subprocess.Popen[str]] = []
    times: list[float] = []

    def report(tracked: TrackedRun, report: Report) -> None:
        if not held:
            held.append(holding(run.root / "mlflow.db"))
            times.append(time.monotonic())
        wrapped(tracked, report)
        times.append(time.monotonic())

    def finish(tracked: TrackedRun, *arguments: Any, **options: Any) -> None:
        times.append(time.monotonic())
        assert held[0].poll() is None, "nobody held the database any more"
        assert len(list((run.root / "run/retrain_unsent").glob("*.json"))) >= run.steps
        threading.Timer(5, held[0].kill).start()
        ended(tracked, *arguments, **options)

    monkeypatch.setattr(TrackedRun, "report", report)
    monkeypatch.setattr(TrackedRun, "finish", finish)
    with caplog.at_level(logging.WARNING):
        assert run.run_here() == 0
    assert len(times) == run.steps + 2
    assert times[-1] - times[0] < 15
    assert "waiting for MLflow, which has" in caplog.text
    run.assert_as_if_nothing_had_happened(undisturbed)


def test_a_driver_killed_while_another_process_locks_the_database(
    run: Disturbed, undisturbed: dict[str, Any]
) -> None:
    meet = partial(dying_with_a_locked_database, run.root / "mlflow.db")
    assert run.run_apart(meet).code == KILLED
    assert list((run.root / "run/retrain_unsent").glob("*.json"))
    assert run.run_here() == 0
    run.assert_as_if_nothing_had_happened(undisturbed)


def dying_with_a_locked_database(database: Path) -> None:
    """The process that holds the database ends with the driver, whose pipe it reads."""
    held: list[Any] = []
    wrap(TrackedRun, "report", lambda *_: held or held.append(holding(database)), nothing)
    wrap(CheckpointStore, "save", nothing, Second(die))


def holding(database: Path) -> "subprocess.Popen[str]":
    """A process that holds the database until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process
