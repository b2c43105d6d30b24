"""How a sweep ends early, and what stands in the study, MLflow and Parquet then. Trials are stand-ins."""

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
import ray
from mlflow import MlflowClient
from mlflow.entities import Run

from orchestrator.config.experiment import load_experiment, with_overrides
from orchestrator.console.console import Console
from orchestrator.sweep import load_results
from orchestrator.sweep.command import TooManyFailures, run_sweep
from orchestrator.sweep.config import Sweep, SweepConfig
from orchestrator.sweep.tuning import Work

pytestmark = pytest.mark.slow

LR = "search.strategy.alpha_optimizer.lr"


@pytest.fixture(scope="module", autouse=True)
def ray_of_our_own() -> Iterator[None]:
    """One Ray for all tests of this file; sweeps join it."""
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


class Interrupting(Console):
    """Somebody presses Ctrl-C when a line says `at`."""

    def __init__(self, at: str) -> None:
        super().__init__(io.StringIO())
        self._at = at

    def say(self, text: str) -> None:
        if self._at in text:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared: making the tables of MLflow's database takes longer than a sweep."""
    return tmp_path_factory.mktemp("sweeps")


def sweep_of(root: Path, name: str, **changes: Any) -> Sweep:
    document = {
        "name": name,
        "base": "digits_adversarial",
        "space": {LR: {"log_uniform": [0.003, 0.3]}},
        "objective": {"metric": "fd_digits", "goal": "minimize"},
        "budget": {"trials": 3},
        "resources": {"concurrent": 1},
        **changes,
    }
    base = with_overrides(load_experiment("digits_adversarial"), {"root": str(root)})
    return Sweep(config=SweepConfig.model_validate(document), base=base)


def stand_in(fails: bool) -> Work:
    """A trial that sends two scores, or says at once that it has failed."""

    # Workers get a copy of it: they cannot import tests.
    def work(_trial: Any, send: Any) -> None:
        if fails:
            send({"failed": "NonFiniteLoss: loss of D at step 7"})
            return
        for number in (1, 2):
            send({"fd_digits": 9.0 / number, "evaluations": number})
        send({"fd_digits": 4.5, "evaluations": 2, "complete": [{"fd_digits": 4.5}]})

    return work


def study_in(root: Path, name: str) -> optuna.Study:
    return optuna.load_study(study_name=name, storage=f"sqlite:///{root / name / 'study.db'}")


def runs_in(root: Path, name: str) -> Mapping[str, Run]:
    """MLflow's runs by our ids, each there once."""
    runs = MlflowClient(runs_uri(root)).search_runs(["1"], f"tags.`advnas.id` LIKE '{name}%'")
    assert set(Counter(run.data.tags["advnas.id"] for run in runs).values()) == {1}
    return {run.data.tags["advnas.id"]: run for run in runs}


def test_more_failures_than_allowed_end_the_sweep_with_their_reason(root: Path) -> None:
    sweep = sweep_of(root, "failing", budget={"trials": 9}, max_failures=1)
    with pytest.raises(TooManyFailures, match=r"max_failures = 1; .*NonFiniteLoss: loss of D at step 7"):
        run_sweep(sweep, Console(io.StringIO()), stand_in(fails=True))

    results = load_results("failing", root)
    failed = results[results.state == "failed"]
    assert len(failed) == 2
    assert set(failed.reason) == {"NonFiniteLoss: loss of D at step 7"}
    runs = runs_in(root, "failing")
    assert runs["failing"].info.status == "FAILED"
    child = runs["failing/trial-0"]
    assert child.info.status == "FAILED"
    assert child.data.tags["advnas.error"] == "NonFiniteLoss: loss of D at step 7"
    assert child.data.tags["mlflow.parentRunId"] == runs["failing"].info.run_id


def test_a_sweep_that_was_interrupted_goes_on_in_the_same_runs(root: Path) -> None:
    sweep = sweep_of(root, "interrupted")
    with pytest.raises(KeyboardInterrupt):
        run_sweep(sweep, Interrupting(at="trial 1 running"), stand_in(fails=False))
    assert [trial.state.name for trial in study_in(root, "interrupted").trials] == ["COMPLETE", "RUNNING"]
    interrupted = runs_in(root, "interrupted")
    assert interrupted["interrupted"].info.status == "KILLED"
    assert list(load_results("interrupted", root).state) == ["complete", "running"]

    result = run_sweep(sweep, Console(io.StringIO()), stand_in(fails=False))
    assert (result.trials.complete, result.trials.failed) == (3, 0)
    runs = runs_in(root, "interrupted")
    assert runs["interrupted"].info.run_id == interrupted["interrupted"].info.run_id
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert set(runs) == {"interrupted", *(f"interrupted/trial-{number}" for number in range(3))}
    assert runs["interrupted/trial-2"].data.metrics["fd_digits"] == 4.5
    files = {
        file.path for file in MlflowClient(runs_uri(root)).list_artifacts(runs["interrupted"].info.run_id)
    }
    assert {"history.png", "parallel_coordinate.png", "intermediate_values.png", "trials.parquet"} <= files


def runs_uri(root: Path) -> str:
    return f"sqlite:///{root / 'mlflow.db'}"
