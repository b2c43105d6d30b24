"""Machines that share no disk: a root in an object store serves them as any other, a local one is refused."""

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
import yaml
from mlflow import MlflowClient
from moto.server import ThreadedMotoServer

from orchestrator.__main__ import main
from orchestrator.cluster import train as ray_training
from orchestrator.cluster.launch import launch
from orchestrator.config.roots import scratch
from orchestrator.console.console import Console
from orchestrator.jobs.job import Outcome, Stage
from orchestrator.selection.live import Run, one_after_another, side_by_side
from orchestrator.selection.result import Request
from tests.integration.machines import MachinesApart, machines_apart
from tests.integration.test_elastic_on_ray import STEPS, alone, furthest
from tests.integration.test_resume_on_ray import Timed, kill_a_worker, worker_processes
from tests.integration.test_sweep_on_ray import tiny_sweep
from tests.mlflow_server import server_of
from tests.orchestrator.disturbed import Disturbed, assert_recorded_once, recorded_runs
from tests.orchestrator.tiny_jobs import differences, final_state, tiny_job
from tests.s3_server import Store, s3_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

MISTAKE = 2


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedMotoServer]:
    with s3_server() as running:
        yield running


@pytest.fixture(scope="module")
def s3(server: ThreadedMotoServer) -> Store:
    return Store(server, "apart")


@pytest.fixture(scope="module")
def machines(
    server: ThreadedMotoServer,  # noqa: ARG001  # whose keys are in the environment that machines get
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[MachinesApart]:
    with machines_apart(tmp_path_factory.mktemp("machine") / "disk", 2) as apart:
        yield apart


@pytest.fixture
def tracking_uri(tmp_path: Path, fresh_database: Path) -> Iterator[str]:
    shutil.copy(fresh_database, tmp_path / "mlflow.db")
    with server_of(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "served") as server:
        yield f"http://127.0.0.1:{server.port}"


def stored(uri: str, stage: Stage = "search") -> Disturbed:
    """A run of the store, as the driver's machine sees it."""
    root = scratch(uri)
    root.mkdir(parents=True, exist_ok=True)
    return Disturbed(root, steps=4, stage=stage)


def test_a_local_root_is_refused_before_the_first_step_with_the_name_of_the_machine(
    machines: MachinesApart, fresh_database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = machines.disk / "local"
    root.mkdir()
    shutil.copy(fresh_database, root / "mlflow.db")
    run = Disturbed(root)
    assert run.run_here(cluster__num_workers=1, cluster__address=machines.address) == MISTAKE
    said = capsys.readouterr().err
    assert f"root = {root}: machine " in said
    assert "has another disk there than the driver" in said
    assert not list(run.checkpoints.glob("step-*"))
    assert run.mlflow_runs() == [], "what was refused before work began leaves no run"


def lose_the_machine_of_a_worker(machines: MachinesApart) -> None:
    machines.lose(worker_processes()[0])
    machines.add()


@pytest.mark.parametrize("stage", ["search", "retrain"])
def test_a_run_survives_its_worker_and_its_machine_and_leaves_all_of_it_in_the_store(
    stage: Stage, machines: MachinesApart, server: ThreadedMotoServer, tracking_uri: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    s3 = Store(server, f"disturbed-{stage}")
    options = {
        "cluster__num_workers": 2, "cluster__max_failures": 9, "cluster__address": machines.address,
        "tracking__uri": tracking_uri,
    }  # fmt: skip
    another = Store(server, f"undisturbed-{stage}").uri
    undisturbed = stored(another, stage)
    assert undisturbed.run_here(root=another, **options) == 0
    state = torch.load(undisturbed.checkpoints / "step-000000004" / "state.pt", weights_only=True)
    client = MlflowClient(tracking_uri)
    (recorded,) = recorded_runs(client)
    client.delete_run(recorded.info.run_id)

    run = stored(s3.uri, stage)
    events = {
        1: ("worker killed", kill_a_worker),
        2: ("machine gone with its disk", partial(lose_the_machine_of_a_worker, machines)),
    }
    timed = Timed(events)
    timed.meet()
    try:
        assert run.run_here(root=s3.uri, **options) == 0
    finally:
        timed.leave()
    print(capsys.readouterr().out)
    run.assert_as_if_nothing_had_happened(state, client)
    left = s3.content(f"run/{stage}")
    own = "derivations.jsonl" if stage == "search" else "generator.pt"
    assert {"result.json", own, "checkpoints/step-000000004/SHA256SUMS"} <= left.keys()


def test_an_elastic_run_loses_a_machine_with_its_disk_and_ends_the_same_up_to_rounding(
    machines: MachinesApart, server: ThreadedMotoServer, tracking_uri: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(ray_training, "RESIZE_S", 0.0)
    s3 = Store(server, "elastic")
    run = Disturbed(stored(s3.uri).root, STEPS)
    timed = Timed({2: ("machine lost", lambda: machines.lose(worker_processes()[0]))})
    timed.meet()
    options = {
        "cluster__num_workers": 2, "cluster__min_workers": 1, "cluster__address": machines.address,
        "tracking__uri": tracking_uri,
    }  # fmt: skip
    try:
        assert run.run_here(root=s3.uri, **options) == 0
    finally:
        timed.leave()
        machines.add()  # for the tests that follow
    result = json.loads((run.folder / "result.json").read_text())
    assert list(result["workers"].values()) == [2, 1]
    assert_recorded_once(MlflowClient(tracking_uri), STEPS)
    assert f"checkpoints/step-{STEPS:09d}/SHA256SUMS" in s3.content("run/retrain")
    found = torch.load(Path(result["checkpoint"]) / "state.pt", weights_only=True)
    assert furthest(found, alone(tmp_path / "two shares", workers=2)) < 1e-5
    assert furthest(found, alone(tmp_path / "one share", workers=1)) > 1e-4


def test_a_pipeline_ends_and_another_machine_finds_it_done(
    machines: MachinesApart, s3: Store, tracking_uri: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    run = stored(s3.uri)
    options = {"cluster__num_workers": 1, "cluster__address": machines.address, "root": s3.uri}
    _, config = run.command(tracking__uri=tracking_uri, **options)
    document = yaml.safe_load(Path(config).read_text())
    document["retrain"]["evaluation"] |= {"every": 3, "samples": 20}
    Path(config).write_text(yaml.safe_dump(document))
    assert main(["pipeline", config, "--name", "whole", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["metrics"]["fd_digits"] > 0
    assert "result.json" in s3.content("whole")

    monkeypatch.setenv("ADVNAS_SCRATCH", str(tmp_path / "elsewhere"))
    assert main(["pipeline", config, "--name", "whole", "--json"]) == 0
    ended = capsys.readouterr()
    assert json.loads(ended.out)["metrics"] == result["metrics"]
    assert "eta" not in ended.err, "nothing is trained again"


@pytest.mark.usefixtures("one_thread")
def test_trainings_of_a_selection_come_back_from_the_machines_that_did_them(
    machines: MachinesApart, s3: Store, tmp_path: Path
) -> None:
    def runs(**options: object) -> list[Run]:
        jobs = [tiny_job(tmp_path, "retrain", seed=seed, **options) for seed in range(2)]
        folders = [job.experiment.folder / "select" / str(seed) for seed, job in enumerate(jobs)]
        return [
            Run(Request("id", seed, 3), str(seed), replace(job, folder=folder))
            for seed, (job, folder) in enumerate(zip(jobs, folders, strict=True))
        ]

    expected = {
        run.request: final_state(outcome)
        for run, outcome in one_after_another(launch, Console(io.StringIO()))(runs())
        if isinstance(outcome, Outcome)
    }
    assert len(expected) == 2
    far = runs(root=s3.uri, tracking__uri="http://127.0.0.1:9", cluster__address=machines.address)
    for run, outcome in side_by_side(far[0].job.experiment.cluster, None)(far):
        assert isinstance(outcome, Outcome)
        newest = run.job.checkpoints.latest()
        assert newest is not None
        assert differences(newest.state(), expected[run.request]) == []


def test_a_sweep_tries_its_configurations_on_machines_that_share_only_the_store(
    machines: MachinesApart, server: ThreadedMotoServer, tracking_uri: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    s3 = Store(server, "sweep")
    scratch(s3.uri).mkdir(parents=True, exist_ok=True)
    document = yaml.safe_load(tiny_sweep(tmp_path).read_text())
    document["overrides"] |= {
        "root": s3.uri, "tracking.uri": tracking_uri, "cluster.address": machines.address
    }  # fmt: skip
    document |= {"name": "far", "storage": f"sqlite:///{tmp_path / 'study.db'}", "asha": None}
    document["budget"]["trials"] = 2
    config = tmp_path / "far.yaml"
    config.write_text(yaml.safe_dump(document))
    assert main(["sweep", str(config), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["complete"] == 2
    left = s3.content("far")
    assert {"sweep.yaml", "trials.parquet", "result.json"} <= left.keys()
    assert len([name for name in left if name.endswith("result.json")]) == 1 + 2 * 2
    client = MlflowClient(tracking_uri)
    stages = [run.data.tags["advnas.stage"] for run in recorded_runs(client)]
    assert sorted(stages) == ["seed"] * 4 + ["sweep"] + ["trial"] * 2
