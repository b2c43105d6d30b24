"""What may happen to a run without Ray, done to a real one; it goes on and ends as if it had not happened."""

import gc
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow import MlflowClient

from orchestrator.checkpoints import folder as checkpoint_folder
from orchestrator.checkpoints.store import CheckpointStore
from orchestrator.cli import command_line
from orchestrator.jobs import worker
from orchestrator.tracking import entry, outbox, tracker
from orchestrator.tracking.run import TrackedRun
from tests.mlflow_server import server_of
from tests.orchestrator.disturbed import Disturbed, undisturbed_state
from tests.small_disks import mounted
from trainers.report import Report

KILLED, INTERRUPTED, MISTAKE = -signal.SIGKILL, 130, 2


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> dict[str, Any]:
    """What the retraining comes to if nothing happens."""
    return undisturbed_state(tmp_path_factory.mktemp("undisturbed"), fresh_database)


@pytest.fixture
def run(tmp_path: Path, fresh_database: Path) -> Disturbed:
    shutil.copy(fresh_database, tmp_path / "mlflow.db")
    return Disturbed(tmp_path)


def wrap(owner: Any, name: str, before: Callable[..., None], after: Callable[..., None]) -> None:
    """Let something happen whenever a function is called; for processes that end soon."""
    wrapped = getattr(owner, name)

    def wrapper(*arguments: Any, **options: Any) -> Any:
        before(*arguments, **options)
        result = wrapped(*arguments, **options)
        after(*arguments, **options)
        return result

    setattr(owner, name, wrapper)


def nothing(*_: Any, **__: Any) -> None:
    pass


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Second:
    """Does it the second time."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action, self._calls = action, 0

    def __call__(self, *_: Any, **__: Any) -> None:
        self._calls += 1
        if self._calls == 2:
            self._action()


def dying_between_image_and_metrics() -> None:
    wrap(MlflowClient, "log_image", nothing, Second(die))


def dying_between_report_and_checkpoint() -> None:
    wrap(CheckpointStore, "save", Second(die), nothing)


def dying_while_a_checkpoint_is_written() -> None:
    wrap(checkpoint_folder, "_put_in_place", Second(die), nothing)


def dying_after_a_checkpoint() -> None:
    wrap(worker, "_record", nothing, Second(die))


@pytest.mark.parametrize(
    "meet",
    [
        dying_between_image_and_metrics,
        dying_between_report_and_checkpoint,
        dying_while_a_checkpoint_is_written,
        dying_after_a_checkpoint,
    ],
)
def test_a_driver_killed_at_any_moment(
    meet: Callable[[], None], run: Disturbed, undisturbed: dict[str, Any]
) -> None:
    assert run.run_apart(meet).code == KILLED
    assert run.run_here() == 0
    run.assert_as_if_nothing_had_happened(undisturbed)


def dying_between_files_and_metrics() -> None:
    wrap(entry, "_send_values", lambda given, *_: given.step == 2 and die(), nothing)


@pytest.fixture(scope="module")
def undisturbed_search(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> Disturbed:
    """A search to which nothing happens."""
    run = Disturbed(tmp_path_factory.mktemp("search"), stage="search")
    shutil.copy(fresh_database, run.root / "mlflow.db")
    assert run.run_here() == 0
    changed = dict(run.values()["edges_changed_generator"])
    assert changed.keys() == {2, 3}
    assert all(changed.values())  # a genotype of the wrong step would show
    return run


@pytest.mark.parametrize(
    "meet",
    [
        dying_between_files_and_metrics,
        dying_between_report_and_checkpoint,
    ],
)
def test_a_search_whose_driver_is_killed_records_the_same_values(
    meet: Callable[[], None], run: Disturbed, undisturbed_search: Disturbed
) -> None:
    run = replace(run, stage="search")
    assert run.run_apart(meet).code == KILLED
    assert run.run_here() == 0
    state = torch.load(undisturbed_search.checkpoints / "step-000000003" / "state.pt", weights_only=True)
    run.assert_as_if_nothing_had_happened(state)
    assert run.values() == undisturbed_search.values()


def interrupt(number: int) -> None:
    os.kill(os.getpid(), number)


def stopped_once(number: int) -> None:
    wrap(CheckpointStore, "save", nothing, Second(partial(interrupt, number)))


def stopped_twice() -> None:
    """The second Ctrl-C comes while the first is being recorded."""
    stopped_once(signal.SIGINT)
    wrap(entry, "_send_values", lambda given, *_: given.status and interrupt(signal.SIGINT), nothing)


def stopped_where_it_is_dropped(number: int, moment: str) -> None:
    """The signal comes while the garbage collector calls back, which drops whatever is raised there."""

    def collecting(_phase: str, _: dict[str, int]) -> None:
        gc.callbacks.remove(collecting)
        interrupt(number)

    def collect(*_: Any, **__: Any) -> None:
        gc.callbacks.append(collecting)
        gc.collect()

    wrap(*MOMENTS[moment], collect, nothing)


MOMENTS = {
    "start-up": (command_line.Parser, "parse_args"),
    "MLflow opens": (tracker, "open_experiment"),
    "training begins": (worker, "load_images"),
    "a step": (CheckpointStore, "save"),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_that_python_drops(
    number: int, moment: str, run: Disturbed, undisturbed: dict[str, Any]
) -> None:
    ended = run.run_apart(partial(stopped_where_it_is_dropped, number, moment))
    assert ended.code == INTERRUPTED
    assert "Traceback" not in ended.output
    assert {found.info.status for found in run.mlflow_runs()} <= {"KILLED"}
    assert run.run_here() == 0
    run.assert_as_if_nothing_had_happened(undisturbed)


@pytest.mark.parametrize(
    "meet", [partial(stopped_once, signal.SIGINT), partial(stopped_once, signal.SIGTERM), stopped_twice]
)
def test_a_driver_that_is_told_to_stop(
    meet: Callable[[], None], run: Disturbed, undisturbed: dict[str, Any]
) -> None:
    ended = run.run_apart(meet)
    assert ended.code == INTERRUPTED
    assert "Traceback" not in ended.output
    assert [found.info.status for found in run.mlflow_runs()] == ["KILLED"]
    assert run.run_here() == 0
    run.assert_as_if_nothing_had_happened(undisturbed)


def test_a_newest_checkpoint_cut_short(
    run: Disturbed, undisturbed: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert run.run_apart(dying_after_a_checkpoint).code == KILLED
    os.truncate(run.checkpoints / "step-000000002" / "state.pt", 1000)
    with caplog.at_level(logging.WARNING):
        assert run.run_here() == 0
    assert "step-000000002 is damaged: going on from the one before it" in caplog.text
    run.assert_as_if_nothing_had_happened(undisturbed)


def test_a_clock_that_is_set_back_by_a_day(
    run: Disturbed, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = TrackedRun.report
    true_time = time.time

    def report(tracked: TrackedRun, report: Report) -> None:
        reported(tracked, report)
        if report.step == 2:
            monkeypatch.setattr(time, "time", lambda: true_time() - 86400)

    monkeypatch.setattr(TrackedRun, "report", report)
    assert run.run_here() == 0
    run.assert_as_if_nothing_had_happened(undisturbed)
    (recorded,) = run.mlflow_runs()
    assert recorded.info.end_time >= recorded.info.start_time
    assert recorded.data.metrics["step"] == 3


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
    """Who holds it ends with the driver, whose pipe it reads."""
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


@pytest.fixture
def small_disk(tmp_path: Path, fresh_database: Path) -> Iterator[Path]:
    """A file system of 24 MB with MLflow's database."""
    with mounted(tmp_path, "size=24m") as disk:
        shutil.copy(fresh_database, disk / "mlflow.db")
        yield disk


@pytest.mark.parametrize("moment", ["report", "link_checkpoint"])
def test_a_disk_that_fills_up(
    moment: str, small_disk: Path, undisturbed: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run = Disturbed(small_disk)
    ballast = small_disk / "ballast"
    with pytest.MonkeyPatch.context() as patch:
        fill = Second(partial(fill_up, ballast)) if moment == "report" else partial(fill_up, ballast)
        patch.setattr(TrackedRun, moment, before(getattr(TrackedRun, moment), fill))
        assert run.run_here() == MISTAKE
    for is_begun_again in (False, True):
        if is_begun_again:  # while the disk is still full
            assert run.run_here() == MISTAKE
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert "free some space" in said
        assert "move the folder away" not in said
    ballast.unlink()
    assert run.run_here() == 0
    run.assert_as_if_nothing_had_happened(undisturbed)


def before(function: Callable[..., Any], action: Callable[[], None]) -> Callable[..., Any]:
    def wrapper(*arguments: Any) -> Any:
        action()
        return function(*arguments)

    return wrapper


def fill_up(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
