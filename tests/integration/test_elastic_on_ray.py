"""An elastic run loses a machine, goes on with one worker, and grows again when another machine comes."""

import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import ray
import torch
from ray.cluster_utils import Cluster
from ray.data._internal.cluster_autoscaler.default_autoscaling_coordinator import (
    get_or_create_autoscaling_coordinator,
)

from orchestrator.cluster import train as ray_training
from orchestrator.jobs.worker import run_worker
from tests.integration.machines import two_machines
from tests.integration.test_resume_on_ray import Timed, name_of, wait_until, worker_processes
from tests.orchestrator.disturbed import Disturbed, assert_recorded_once
from tests.orchestrator.tiny_jobs import Recorder, tiny_job
from trainers.locks import sole_driver

pytestmark = pytest.mark.slow

STEPS = 6


@pytest.fixture
def machines() -> Iterator[Cluster]:
    with two_machines() as cluster:
        yield cluster


def lose_a_machine(cluster: Cluster) -> None:
    workers = worker_processes()
    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
    # Workers outlive their machine's raylet, which is what was killed, until they notice.
    wait_until(lambda: "" in [name_of(worker) for worker in workers], seconds=120)


def add_a_machine(cluster: Cluster) -> None:
    """And let Ray count them now, as it would within 20 s."""
    cluster.add_node(num_cpus=1)
    ray.get(get_or_create_autoscaling_coordinator().get_reserved_resources.remote("", recompute=True))


@pytest.mark.timeout(900)
def test_a_run_shrinks_and_grows_with_its_cluster_and_ends_the_same_up_to_rounding(
    machines: Cluster, tmp_path: Path, fresh_database: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(ray_training, "RESIZE_S", 0.0)
    shutil.copy(fresh_database, tmp_path / "mlflow.db")
    run = Disturbed(tmp_path, STEPS)
    events = {
        2: ("machine lost", partial(lose_a_machine, machines)),
        3: ("machine added", partial(add_a_machine, machines)),
    }
    timed = Timed(events)
    timed.meet()
    options = {"cluster__num_workers": 2, "cluster__min_workers": 1, "cluster__address": machines.address}
    try:
        with caplog.at_level(logging.WARNING):
            assert run.run_here(**options) == 0
    finally:
        timed.leave()

    result = json.loads((run.folder / "result.json").read_text())
    assert list(result["workers"].values()) == [2, 1, 2]
    said = [record.getMessage() for record in caplog.records if "elastic" in record.getMessage()]
    assert [text.split("elastic: ")[1][:6] for text in said] == ["2 of 2", "1 of 2", "2 of 2"]
    assert ["up to rounding, not bit by bit" in text for text in said] == [False, True, True]
    (recorded,) = run.mlflow_runs()
    assert recorded.data.tags["advnas.workers.by_step"].startswith("2 from step 1, 1 from step ")
    assert_recorded_once(run.client, STEPS)
    with sole_driver(run.folder):
        pass
    wait_until(lambda: not worker_processes(), seconds=60)

    found = torch.load(Path(result["checkpoint"]) / "state.pt", weights_only=True)
    assert furthest(found, alone(tmp_path / "two shares", workers=2)) < 1e-5
    assert furthest(found, alone(tmp_path / "one share", workers=1)) > 1e-4


def alone(root: Path, workers: int) -> dict[str, Any]:
    """What all steps come to in this process, which does the shares of all workers."""
    job = tiny_job(root, "retrain", retrain__steps=STEPS, cluster__num_workers=workers)
    outcome = run_worker(job, Recorder(), torch.device("cpu"))
    return torch.load(outcome.checkpoint / "state.pt", weights_only=True)


def furthest(state: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Between parameters of two generators; not of all: of a bias before BatchNorm Adam learns rounding."""
    distances = [
        float((value - other["generator"][name]).abs().max())
        for name, value in state["generator"].items()
        if name.startswith("latents")
    ]
    return max(distances)
