"""Ray's head process (GCS) dies under a run: Ray ends the driver, and the same command goes on."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from orchestrator.tracking.run import TrackedRun
from tests.orchestrator.disturbed import Disturbed, Second, nothing, undisturbed_state, wrap

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread"), pytest.mark.timeout(600)]


def kill_the_head() -> None:
    """The head is that of the Ray which this process has started."""
    (head,) = [each for each in psutil.Process().children(recursive=True) if each.name() == "gcs_server"]
    head.kill()


def losing_the_head() -> None:
    os.environ["RAY_gcs_rpc_server_reconnect_timeout_s"] = "5"  # noqa: SIM112 a minute where it is no test
    wrap(TrackedRun, "report", nothing, Second(kill_the_head))


def test_a_run_whose_ray_loses_its_head_goes_on_with_the_same_command(
    tmp_path: Path, fresh_database: Path
) -> None:
    (tmp_path / "undisturbed").mkdir()
    expected = undisturbed_state(tmp_path / "undisturbed", fresh_database)
    run = Disturbed(tmp_path / "runs")
    run.root.mkdir()
    shutil.copy(fresh_database, run.root / "mlflow.db")
    ended = run.run_apart(losing_the_head, cluster__num_workers=1)
    assert ended.code == 1, ended.output
    with closing(sqlite3.connect(run.root / "mlflow.db")) as database:
        assert database.execute("SELECT status FROM runs").fetchall() == [("RUNNING",)]
    assert any(run.checkpoints.glob("step-*"))
    assert run.run_here(cluster__num_workers=0) == 0
    run.assert_as_if_nothing_had_happened(expected)
