"""Trainings of `reliability` and `zoo retrain` whose machine is lost with its disk: another one goes on."""

import io
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from orchestrator.checkpoints.store import CheckpointMeta
from orchestrator.config.experiment import with_overrides
from orchestrator.config.roots import SCRATCH_VARIABLE, scratch
from orchestrator.console.console import Console
from orchestrator.jobs.job import Emit, Job, Outcome
from orchestrator.reliability.plan import reliability_config
from orchestrator.reliability.stage import reliability_in
from orchestrator.stages.session import Session
from orchestrator.zoo.choice import zoo_plan
from orchestrator.zoo.stage import retrain_zoo_in
from search_space.networks.generator import derived_generator
from search_space.networks.generator_file import load_generator
from tests.orchestrator.checkpoints.machines import be_on
from tests.orchestrator.disturbed import recorded_runs
from tests.orchestrator.reliability import test_stage as reliability
from tests.orchestrator.tiny_jobs import tiny_job
from tests.orchestrator.zoo import test_stage as zoo
from tests.s3_server import Store


class Training:
    """A stand-in that leaves what a real training does: the checkpoint of its end."""

    def __init__(self, launches: Callable[[Job, Emit], Outcome]) -> None:
        self.launches = launches

    def __call__(self, job: Job, emit: Emit) -> Outcome:
        outcome = self.launches(job, emit)
        network = derived_generator(job.experiment.retrain.generator, job.genotypes["generator"])
        meta = CheckpointMeta(step=outcome.step, identity={}, images="f00d", metrics={})
        job.checkpoints.save({"ema_generator": network.state_dict()}, meta)
        return outcome


def session_of(place: Mapping[str, Any], **options: Any) -> Session:
    """Of a run named `grid`; `place` is where it is."""
    here = tiny_job(Path("/nowhere")).experiment
    return Session.begin(with_overrides(here, {**options, "name": "grid", **place}), Console(io.StringIO()))


def measure(place: Mapping[str, Any], launch: Training) -> Any:
    session = session_of(place, **reliability.OPTIONS)
    return reliability_in(session, reliability_config(session.experiment), launch)


def compare(place: Mapping[str, Any], launch: Training) -> Any:
    session = session_of(place, **{"retrain.evaluation.every": 1})
    return retrain_zoo_in(session, zoo_plan(session.experiment, tuple(zoo.MEANS), 2, 1), launch)


def launches_of(counted: Any) -> int:
    return len(counted.jobs) if isinstance(counted, reliability.Launches) else len(counted.done)


@pytest.mark.parametrize(
    ("stage", "do", "launches", "trainings"),
    [("reliability", measure, reliability.Launches, 12), ("zoo", compare, zoo.Launches, 6)],
)
def test_another_machine_makes_only_the_trainings_that_are_missing(
    stage: str, do: Callable[..., Any], launches: Callable[..., Any], trainings: int,
    store: Store, tracking_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv(SCRATCH_VARIABLE, "")
    there = {"root": store.uri, "tracking.uri": tracking_uri}
    be_on(tmp_path / "first")
    with pytest.raises(KeyboardInterrupt):
        do(there, Training(launches(killed_at=5)))
    shutil.rmtree(tmp_path / "first")

    be_on(tmp_path / "second")
    missing = launches()
    result = do(there, Training(missing))
    assert launches_of(missing) == trainings - 4
    whole = do({"root": str(tmp_path / "local")}, Training(launches()))
    assert result.metrics == whole.metrics
    left = store.content(f"grid/{stage}")
    assert {"runs.jsonl", "recipe.json", "result.json"} <= left.keys()
    assert not [name for name in left if "checkpoints" in name], "optimizers are not kept"
    assert not [name for name in left if "/." in f"/{name}"], "claims are withdrawn"
    if stage == "zoo":
        kept = sorted((scratch(store.uri) / "grid/zoo").glob("*/seed-*/generator.pt"))
        assert len(kept) == trainings == len([name for name in left if name.endswith("generator.pt")])
        assert all(load_generator(file)[0].config.channels == 4 for file in kept)
    (recorded,) = recorded_runs(MlflowClient(tracking_uri))
    assert recorded.info.status == "FINISHED"
