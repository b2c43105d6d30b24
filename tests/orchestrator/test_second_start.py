"""A run that is started while it runs: the second start is refused, and leaves the first one as it is."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from pkgutil import resolve_name

import pytest
from mlflow.entities import Run

from orchestrator.__main__ import main
from tests.orchestrator.disturbed import FORKS, Disturbed, nothing, run_and_exit, wrap
from tests.orchestrator.trained import save_trained, write_config

MISTAKE = 2
PATIENCE = 120

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.timeout(240)]


def waiting(owner: str, name: str, folder: Path) -> None:
    """The first call says that it has come, and goes on when it is told to."""

    def wait(*_: object, **__: object) -> None:
        if not (folder / "here").exists():
            (folder / "here").touch()
            wait_for(folder / "go on")

    wrap(resolve_name(owner), name, wait, nothing)


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} does not come"
        time.sleep(0.02)


def started(folder: Path, meet: Callable[[], None], words: list[str]) -> multiprocessing.Process:
    process = FORKS.Process(target=run_and_exit, args=(meet, words, folder / "output.txt"))
    process.start()
    wait_for(folder / "here")
    return process


def seen(run: Disturbed) -> dict[str, dict[str, object]]:
    """Of each of MLflow's runs all that it has."""
    return {found.info.run_id: found.to_dictionary() for found in run.mlflow_runs()}


HELD: dict[str, tuple[str, str]] = {
    "search": ("orchestrator.tracking.run:TrackedRun", "report"),
    "retrain": ("orchestrator.tracking.run:TrackedRun", "report"),
    "pipeline": ("orchestrator.tracking.run:TrackedRun", "report"),
    "evaluate": ("orchestrator.stages.evaluate", "_scores"),
}


@pytest.mark.parametrize("command", HELD)
def test_the_first_start_notices_nothing(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(tmp_path / "config.yaml", tmp_path / "runs", genotype="eagan")
    save_trained(tmp_path / "runs" / "mine" / "retrain" / "generator.pt")
    words = [command, str(config), "--name", "mine" if command == "evaluate" else "other"]
    words += ["--retrain.genotype", "null"] * (command == "pipeline")
    run = Disturbed(tmp_path / "runs")

    first = started(tmp_path, partial(waiting, *HELD[command], tmp_path), words)
    try:
        before = seen(run)
        assert main(words) == MISTAKE
        assert f"process {first.pid} on " in capsys.readouterr().err
        assert seen(run) == before
        assert {found.info.status for found in run.mlflow_runs()} == {"RUNNING"}
        (tmp_path / "go on").touch()
        first.join(PATIENCE)
        assert first.exitcode == 0, (tmp_path / "output.txt").read_text()
    finally:
        if first.is_alive() and first.pid:
            os.kill(first.pid, signal.SIGKILL)
    runs: list[Run] = run.mlflow_runs()
    assert {found.info.status for found in runs} == {"FINISHED"}
    assert not [found for found in runs if "advnas.error" in found.data.tags]
