"""What this project uses of its libraries beside their public interfaces: one test says what a version broke.

pyproject.toml takes only versions for which these tests passed.
"""

import inspect
import shutil
import sqlite3
import tomllib
from contextlib import closing
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import optuna
import pytest
from mlflow import MlflowClient
from optuna.trial import FrozenTrial, Trial, TrialState
from packaging.requirements import Requirement
from ray.train.torch import TorchTrainer
from ray.train.v2._internal.execution.scaling_policy import ElasticScalingPolicy, NoopDecision
from ray.train.v2._internal.execution.worker_group import WorkerGroupPollStatus, WorkerStatus
from ray.tune.schedulers import AsyncHyperBandScheduler

from orchestrator.records.database import rename_run
from orchestrator.tracking.view import STORAGE_KEY, VIEW_TAG

PROJECT = Path(__file__).parents[2]


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


def test_ray_train_lets_a_trainer_choose_its_scaling_policy() -> None:
    run = TorchTrainer._initialize_and_run_controller
    assert "self" in parameters(run), f"TorchTrainer's method has another form: {inspect.signature(run)}"
    built = inspect.getsource(TorchTrainer.fit)
    assert "_initialize_and_run_controller" in built, "fit() no longer calls the method that is overridden"
    assert "scaling_policy=" in built, "fit() hands no scaling policy over any more"


def test_ray_train_asks_its_elastic_policy_as_ours_answers() -> None:
    decide = ElasticScalingPolicy.make_decision_for_running_worker_group
    assert parameters(decide) == ["self", "worker_group_state", "worker_group_status"]
    assert parameters(ElasticScalingPolicy._count_possible_workers) == ["self", "reserved_resources"]
    assert callable(ElasticScalingPolicy._maybe_send_resource_request)
    counted = inspect.getsource(ElasticScalingPolicy)
    assert counted.count("._count_possible_workers(") >= 2, "the policy counts workers in another way"
    assert NoopDecision() == NoopDecision()
    assert "worker_statuses" in WorkerGroupPollStatus.__annotations__
    assert "training_report" in WorkerStatus.__annotations__


def test_asha_keeps_one_bracket_of_rungs_that_trials_can_be_put_on() -> None:
    scheduler = AsyncHyperBandScheduler(
        time_attr="evaluations", metric="fd", mode="min", max_t=3, grace_period=1, reduction_factor=2,
        stop_last_trials=False,
    )  # fmt: skip
    (bracket,) = scheduler._brackets
    assert sorted(milestone for milestone, _ in bracket._rungs) == [1, 2]
    assert all(recorded == {} for _, recorded in bracket._rungs)
    assert scheduler._metric_op == -1.0, "scores to be minimized are kept with another sign"
    assert scheduler._trial_info == {}


def test_optuna_opens_a_running_trial_again_and_reads_it_alone(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    study = optuna.create_study(storage=storage, study_name="study")
    begun = study.ask()
    begun.suggest_float("x", 0.0, 1.0)
    begun.report(5.0, 1)
    again = optuna.load_study(storage=storage, study_name="study")
    (left,) = again.get_trials(states=[TrialState.RUNNING])
    trial = Trial(again, left._trial_id)
    found = trial.study._storage.get_trial(trial._trial_id)
    assert isinstance(found, FrozenTrial)
    assert found.intermediate_values == {1: 5.0}
    again.tell(trial, 4.0)
    assert again.best_value == 4.0


def test_mlflows_pages_know_shared_views() -> None:
    scripts = [Path(str(file)) for file in (files("mlflow") / "server/js/build/static/js").iterdir()]
    texts = [file.read_text(encoding="utf-8") for file in scripts if file.suffix == ".js"]
    keys = (VIEW_TAG.rpartition(".")[0], *STORAGE_KEY[1:], "MLflowLocalStorage", "mlflow.workflowType")
    for word in (*keys, "mlflow.assistant.fab.autoOpenedOnFirstLoad", "selectedColumns"):
        assert any(word in text for text in texts), f"MLflow {version('mlflow')} has no {word}"


@pytest.mark.parametrize("library", ["ray", "optuna", "mlflow"])
def test_only_versions_are_taken_for_which_this_was_tried(library: str) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    (taken,) = [each for each in map(Requirement, project["dependencies"]) if each.name == library]
    major, minor, *_ = map(int, version(library).split("."))
    assert taken.specifier.contains(f"{major}.{minor}.99")
    for other in (f"{major}.{minor + 1}.0", f"{major}.{minor - 1}.99" if minor else f"{major - 1}.99.0"):
        assert not taken.specifier.contains(other), other


def test_mlflow_keeps_a_new_run_in_two_tables_of_its_database(tmp_path: Path, fresh_database: Path) -> None:
    database = tmp_path / "mlflow.db"
    shutil.copy(fresh_database, database)
    client = MlflowClient(f"sqlite:///{database}")
    experiment = client.create_experiment("tried")
    made = client.create_run(experiment, tags={"some": "tag"}, run_name="mine")
    with closing(sqlite3.connect(database)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        columns = {
            (table, row[1]) for table in tables for row in connection.execute(f"PRAGMA table_info({table})")
        }
        held = {
            table
            for table, column in columns
            if column == "run_uuid"
            and connection.execute(
                f"SELECT 1 FROM {table} WHERE run_uuid = ?", (made.info.run_id,)
            ).fetchone()
        }
    assert held == {"runs", "tags"}, "a new run is in other tables too: its id cannot be changed there alone"
    assert ("runs", "artifact_uri") in columns
    rename_run(database, made.info.run_id, "0" * 32, "file:///elsewhere")
    again = client.get_run("0" * 32)
    assert again.data.tags == {"some": "tag", "mlflow.runName": "mine"}
    assert again.info.artifact_uri == "file:///elsewhere"
    client.log_metric("0" * 32, "loss", 1.0, step=3)
    assert [run.info.run_id for run in client.search_runs([experiment])] == ["0" * 32]
