"""A sweep whose driver is killed goes on under its name and ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import optuna
import pytest
from mlflow import MlflowClient

from orchestrator.config.files import write_yaml
from orchestrator.sweep import load_results
from tests.postgresql import postgresql

pytestmark = pytest.mark.slow

TINY = {"steps": 2, "report_every": 1, "batch_size": 8, "generator_batch_size": 8}
NETWORKS = {"generator.channels": 4, "discriminator.channels": 4}


def tiny_sweep(root: Path, storage: str | None = None) -> Path:
    """Three configurations with two seeds each, in a file."""
    overrides = {"root": str(root), "search.strategy.warmup_steps": 0, "search.evaluation.every": 0}
    for stage in ("search", "retrain"):
        overrides |= {f"{stage}.{name}": value for name, value in (TINY | NETWORKS).items()}
    overrides |= {"retrain.evaluation.every": 1, "retrain.evaluation.samples": 16}
    overrides |= {"retrain.evaluation.metrics": ["fd"]}
    document = {
        "name": "killed",
        "base": "digits_adversarial",
        "overrides": overrides,
        "space": {
            "search.strategy.alpha_optimizer.lr": {"log_uniform": [0.003, 0.3]},
            "retrain.generator_optimizer.lr": {"log_uniform": [1e-5, 1e-2]},
        },
        "objective": {"metric": "fd_digits", "goal": "minimize"},
        "seeds": 2,
        "budget": {"trials": 3},
        "asha": {"grace": 2, "reduction": 3},
        "storage": storage,
    }
    path = root / "sweep.yaml"
    path.write_text(write_yaml(document))
    return path


def driver(path: Path) -> "subprocess.Popen[str]":
    """A driver of its own; its lines can be read as they come."""
    return subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "sweep", str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.timeout(900)
def test_a_sweep_whose_driver_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    kill_and_go_on(tmp_path, None)


@pytest.mark.timeout(900)
def test_so_does_one_whose_study_is_in_postgresql(tmp_path: Path) -> None:
    with postgresql() as database:
        kill_and_go_on(tmp_path, database)
        assert not (tmp_path / "killed" / "study.db").exists()


def kill_and_go_on(root: Path, storage: str | None) -> None:
    """The second driver does what is left, under the same configurations, and MLflow has each run once."""
    first = driver(tiny_sweep(root, storage))
    assert first.stdout is not None
    # Somebody has been scored, so there is a checkpoint to go on from.
    assert any("fd_digits" in line for line in first.stdout)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    study = optuna.load_study(
        study_name="killed", storage=storage or f"sqlite:///{root / 'killed' / 'study.db'}"
    )
    before = {trial.number: trial.user_attrs for trial in study.trials}
    assert any(trial.state.name == "RUNNING" for trial in study.trials)

    second = driver(root / "sweep.yaml")
    output, _ = second.communicate()
    assert second.returncode == 0, output

    results = load_results("killed", root)
    assert list(results.trial) == [0, 1, 2]
    assert set(results.state) <= {"complete", "stopped"}
    after = {trial.number: trial.user_attrs for trial in study.trials}
    assert {number: after[number]["advnas.params"] for number in before} == {
        number: attributes["advnas.params"] for number, attributes in before.items()
    }
    assert_each_run_stands_once_in_mlflow(root, wholes=list(results.trial[results.state == "complete"]))


def assert_each_run_stands_once_in_mlflow(root: Path, wholes: list[int]) -> None:
    """One parent, a child for each configuration, a grandchild for each seed that was begun."""
    client = MlflowClient(f"sqlite:///{root / 'mlflow.db'}")
    runs = client.search_runs(["1"])
    ids = Counter(run.data.tags["advnas.id"] for run in runs)
    assert set(ids.values()) == {1}
    assert {f"killed/trial-{number}" for number in (0, 1, 2)} | {"killed"} <= set(ids)
    assert {f"killed/trial-{number}/seed-{seed}" for number in wholes for seed in (0, 1)} <= set(ids)
    assert "RUNNING" not in {run.info.status for run in runs}
    seed = next(
        run for run in runs if run.data.tags["advnas.stage"] == "seed" and "fd_digits" in run.data.metrics
    )
    curve = client.get_metric_history(seed.info.run_id, "fd_digits")
    assert sorted(point.step for point in curve) == [1, 2]
