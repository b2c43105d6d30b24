"""What may happen to a run without Ray, done to a real one; it goes on and ends as if it had not happened."""

import gc
import logging
import os
import shutil
import signal
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
from orchestrator.tracking import tracker
from orchestrator.tracking.run import TrackedRun
from orchestrator.tracking.sending import entry
from tests.orchestrator.disturbed import (
    INTERRUPTED,
    KILLED,
    MISTAKE,
    Disturbed,
    Second,
    die,
    nothing,
    wrap,
)  # fmt: skip
from tests.small_disks import mounted
from trainers.report import Report

pytestmark = pytest.mark.usefixtures("one_thread")


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
