"""MLflow's database is deleted or damaged after a real pipeline, and made again."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from orchestrator.__main__ import main
from orchestrator.config.experiment import with_overrides
from orchestrator.console.console import Console
from orchestrator.pipeline import pipeline
from tests.orchestrator.disturbed import recorded_runs
from tests.orchestrator.tiny_jobs import tiny_job
from trainers.locks import sole_driver

pytestmark = pytest.mark.usefixtures("one_thread")

Snapshot = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> Path:
    """The root of a pipeline that scored and registered a generator."""
    root = tmp_path_factory.mktemp("lived")
    shutil.copy(fresh_database, root / "mlflow.db")
    live(root)
    return root


def live(root: Path) -> None:
    options = {"name": "small", "tracking.model": "small"}
    scored = {"retrain.evaluation.every": 3, "retrain.evaluation.samples": 100}
    pipeline(with_overrides(tiny_job(root).experiment, options | scored), Console(io.StringIO()))


@pytest.fixture(scope="module")
def before(lived_in: Path) -> "Snapshot":
    """What MLflow tells of it."""
    return snapshot(lived_in)


@pytest.fixture
def root(lived_in: Path, tmp_path: Path) -> Path:
    """A copy, whose database MLflow has not opened yet: in one process it keeps to the file that it has.

    Results and artifacts are named by their first place, where they still are.
    """
    return shutil.copytree(lived_in, tmp_path / "runs")


def client_of(root: Path) -> MlflowClient:
    uri = f"sqlite:///{root / 'mlflow.db'}"
    return MlflowClient(uri, registry_uri=uri)


def snapshot(root: Path) -> Snapshot:
    """All that MLflow tells of every run, by its id, but for the times of the model's scores."""
    client, found = client_of(root), {}
    for run in recorded_runs(client):
        points = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
        models = {each.model_id for each in run.outputs.model_outputs}
        found[run.info.run_id] = {
            "status": run.info.status,
            "name": run.info.run_name,
            "began": run.info.start_time,
            "params": run.data.params,
            "tags": run.data.tags,
            "points": {
                name: sorted((point.step, point.value) for point in each) for name, each in points.items()
            },
            "times": {
                name: sorted(point.timestamp for point in each if point.step > 0 and point.step < 3)
                for name, each in points.items()
            },
            "images": sorted(file.path for file in client.list_artifacts(run.info.run_id, "images")),
            "files": sorted(file.path for file in client.list_artifacts(run.info.run_id)),
            "data": [each.dataset.digest for each in run.inputs.dataset_inputs],
            "models": len(models),
        }
    return found


def lost(root: Path) -> None:
    (root / "mlflow.db").unlink()


def damaged(root: Path) -> None:
    with (root / "mlflow.db").open("r+b") as file:
        file.write(b"no longer a database" * 50)


@pytest.mark.parametrize("happen", [lost, damaged])
def test_a_database_is_made_again_with_all_that_it_had(
    happen: Callable[[Path], None], root: Path, before: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {run["tags"]["advnas.stage"] for run in before.values()} == {
        "pipeline", "search", "retrain", "evaluate"
    }  # fmt: skip
    happen(root)
    assert main(["records", "rebuild", "--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert "4 runs made again, 0 completed, 0 were complete" in said
    assert "models:/small/1: registered again" in said
    assert snapshot(root) == before
    assert ("not recovered" in said) == (happen is damaged)
    assert len(list(root.glob("mlflow.db.damaged"))) == (happen is damaged)
    (version,) = client_of(root).search_model_versions("name = 'small'")
    result = json.loads((root / "small/result.json").read_text())
    assert version.run_id == result["stages"]["retrain"]["run_id"]

    assert main(["records", "rebuild", "--root", str(root), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["made"], told["completed"], told["sound"], told["points"]) == (0, 0, 4, 0)
    assert snapshot(root) == before, "nothing is doubled"

    live(root)
    assert {key: run["points"] for key, run in snapshot(root).items()} == {
        key: run["points"] for key, run in before.items()
    }, "a pipeline that is started again finds all of it done"


def test_what_an_older_copy_of_the_database_lacks_is_added_once(root: Path, before: Snapshot) -> None:
    client = client_of(root)
    (retrained,) = (key for key, run in before.items() if run["tags"]["advnas.stage"] == "retrain")
    (searched,) = (key for key, run in before.items() if run["tags"]["advnas.stage"] == "search")
    client.delete_tag(retrained, "advnas.workers.by_step")
    artifacts = Path(client.get_run(searched).info.artifact_uri.removeprefix("file://"))
    shutil.rmtree(artifacts / "genotypes")
    assert main(["records", "rebuild", "--root", str(root)]) == 0
    assert snapshot(root) == before
    assert len(client.list_artifacts(searched, "genotypes")) == 6


def test_a_run_that_was_deleted_stays_deleted(
    root: Path, before: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    client = client_of(root)
    (evaluated,) = (key for key, run in before.items() if run["tags"]["advnas.stage"] == "evaluate")
    client.delete_run(evaluated)
    assert main(["records", "rebuild", "--root", str(root)]) == 0
    assert "small evaluate: deleted in MLflow, left so" in capsys.readouterr().out
    assert client.get_run(evaluated).info.lifecycle_stage == "deleted"


def test_a_run_under_way_is_left_as_it_is(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost(root)
    with sole_driver(root / "small"):
        assert main(["records", "rebuild", "--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert "works on this run" in said
    assert "0 runs made again" in said


def test_runs_without_records_are_made_again_from_their_results(
    root: Path, before: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    lost(root)
    for records in root.rglob("*_records.jsonl"):
        records.unlink()
    assert main(["records", "rebuild", "--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert "4 runs made again" in said
    assert "not recovered: between checkpoints, curves and images of earlier versions: small" in said
    after = snapshot(root)
    assert after.keys() == before.keys()
    for key, run in after.items():
        expected = before[key]
        assert run["tags"]["advnas.stage"] == expected["tags"]["advnas.stage"]
        assert run["tags"].get("mlflow.parentRunId") == expected["tags"].get("mlflow.parentRunId")
        assert run["files"] == expected["files"]
        assert run["params"].items() <= expected["params"].items()
        for name, points in run["points"].items():
            assert set(points) <= set(expected["points"][name]), name
    (retrained,) = (run for run in after.values() if run["tags"]["advnas.stage"] == "retrain")
    assert [step for step, _ in retrained["points"]["loss_generator"]][-1] == 3
    assert retrained["params"]["retrain.steps"] == "3"


def test_a_folder_without_runs_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["records", "rebuild", "--root", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"advnas: --root {tmp_path}: no runs here; give the `root` of the runs\n"
    )
    assert main(["records", "rebuild", "--root", str(tmp_path / "none")]) == 2
    assert "no such folder" in capsys.readouterr().err
