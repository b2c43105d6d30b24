"""A tiny search or retraining by its command, what may happen to it, and what must be true of it afterwards.

Processes that are to die are forked from one that has imported everything: real ones, ready in an instant.
"""

import json
import multiprocessing
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mlflow import MlflowClient
from mlflow.entities import Run

from orchestrator.__main__ import main
from orchestrator.config.experiment import to_yaml
from orchestrator.jobs.job import Stage
from tests.orchestrator.tiny_jobs import differences, tiny_job
from trainers.locks import sole_driver

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "mlflow.store.tracking.sqlalchemy_store",
        "orchestrator.cli.runs",
        "orchestrator.stages.train",
        "sklearn.datasets",
        "torch._dynamo",
        __name__,
    ]
)


KILLED, INTERRUPTED, MISTAKE = -signal.SIGKILL, 130, 2


@dataclass(frozen=True)
class Disturbed:
    """A stage of a run named `run`, in a root of its own, as YAML and command; it reports at every step."""

    root: Path
    steps: int = 3
    stage: Stage = "retrain"

    @property
    def folder(self) -> Path:
        """Of the stage."""
        return self.root / "run" / self.stage

    @property
    def checkpoints(self) -> Path:
        """Where its checkpoints lie."""
        return self.folder / "checkpoints"

    def command(self, **options: Any) -> list[str]:
        """Arguments of `advnas`; options are dotted names with `__` for the dots."""
        options[f"{self.stage}__steps"] = self.steps
        if self.stage == "search":  # whose genotypes change with every step
            options |= {"search__strategy__alpha_optimizer__lr": 1.0, "search__n_critic": 1}
        job = tiny_job(self.root, self.stage, name="run", **options)
        genotype, config = self.root / "genotype.json", self.root / "config.yaml"
        config.write_text(to_yaml(job.experiment))
        if self.stage == "search":
            return ["search", str(config)]
        job.genotypes["generator"].save(genotype)
        return ["retrain", str(config), "--retrain.genotype", str(genotype)]

    def run_here(self, **options: Any) -> int:
        """Do the command in this process; its exit code."""
        torch.set_num_threads(1)
        return main(self.command(**options))

    def run_apart(self, meet: Callable[[], None], **options: Any) -> "Ended":
        """Do the command in a process of its own that calls `meet` first; how it ended."""
        log = self.root / "output.txt"
        process = FORKS.Process(target=run_and_exit, args=(meet, self.command(**options), log))
        process.start()
        process.join(240)
        assert process.exitcode is not None, f"still runs: {log.read_text()}"
        return Ended(process.exitcode, log.read_text())

    def mlflow_runs(self) -> list[Run]:
        """All of them, whatever their state."""
        return recorded_runs(self.client)

    @property
    def client(self) -> MlflowClient:
        """Of the database in the root."""
        return MlflowClient(f"sqlite:///{self.root / 'mlflow.db'}")

    def values(self) -> dict[str, list[tuple[int, float]]]:
        """All that MLflow has of each metric, by step, but for the speed and the machine's load."""
        (run,) = self.mlflow_runs()
        return {
            metric: [
                (point.step, point.value) for point in self.client.get_metric_history(run.info.run_id, metric)
            ]
            for metric in run.data.metrics
            if metric != "images_per_second" and not metric.startswith("system/")
        }

    def assert_as_if_nothing_had_happened(
        self, expected: Mapping[str, Any], client: MlflowClient | None = None
    ) -> None:
        """Finished with the same bits, recorded once and nothing left behind."""
        result = json.loads((self.folder / "result.json").read_text())
        state = torch.load(Path(result["checkpoint"]) / "state.pt", weights_only=True)
        assert differences(state, expected) == []
        assert_recorded_once(client or self.client, self.steps)
        with sole_driver(self.folder):
            pass
        assert [path.name for path in self.checkpoints.glob(".*")] == []
        assert list(self.root.rglob("*_unsent")) + list(self.root.rglob("*.partial")) == []


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    """Exit code; minus the signal that killed it."""
    output: str


def recorded_runs(client: MlflowClient) -> list[Run]:
    """All that a store has."""
    return client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])


def assert_recorded_once(client: MlflowClient, steps: int) -> None:
    """One run, finished, with every metric once a step and every image once."""
    (run,) = recorded_runs(client)
    assert run.info.status == "FINISHED"
    assert "advnas.error" not in run.data.tags
    for metric in run.data.metrics:
        points = [point.step for point in client.get_metric_history(run.info.run_id, metric)]
        assert sorted(set(points)) == points, metric
    reported = [point.step for point in client.get_metric_history(run.info.run_id, "step")]
    assert reported == list(range(1, steps + 1))
    images = client.list_artifacts(run.info.run_id, "images")
    # MLflow writes a small copy last: without one, the image of a driver killed meanwhile is not shown.
    shown = Counter(image.path.split("+timestamp+")[0] for image in images if image.path.endswith(".webp"))
    assert shown
    assert set(shown.values()) == {1}, shown


def run_and_exit(meet: Callable[[], None], command: list[str], log: Path) -> None:
    """What a process of its own does."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    # Whoever starts pytest in the background leaves SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    meet()
    sys.exit(main(command))


def undisturbed_state(root: Path, database: Path) -> dict[str, Any]:
    """What the retraining comes to if nothing happens; `database` is MLflow's, empty, and copied."""
    run = Disturbed(root)
    shutil.copy(database, root / "mlflow.db")
    assert run.run_here() == 0
    return torch.load(run.checkpoints / "step-000000003" / "state.pt", weights_only=True)


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
    """Happens."""


def die(*_: Any, **__: Any) -> None:
    """As by `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


class Second:
    """Does it the second time."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action, self._calls = action, 0

    def __call__(self, *_: Any, **__: Any) -> None:
        """Count."""
        self._calls += 1
        if self._calls == 2:
            self._action()
