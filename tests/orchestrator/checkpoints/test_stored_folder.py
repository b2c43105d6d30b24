"""A root in an object store: machines that share nothing else take over each other's runs."""

import json
import shutil
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mlflow import MlflowClient
from moto.server import ThreadedMotoServer

from orchestrator.__main__ import main
from orchestrator.checkpoints import claim, stored_folder
from orchestrator.checkpoints.store import CheckpointMeta, CheckpointStore
from orchestrator.checkpoints.stored_folder import StoredFolder
from orchestrator.config.roots import SCRATCH_VARIABLE
from orchestrator.tracking.run import TrackedRun
from tests.orchestrator.checkpoints.machines import Machine, be_on
from tests.orchestrator.disturbed import undisturbed_state
from tests.orchestrator.test_failures import KILLED, MISTAKE, dying_between_report_and_checkpoint
from tests.s3_server import Store
from trainers.report import Report

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> dict[str, Any]:
    """What the retraining comes to in a local root without faults."""
    return undisturbed_state(tmp_path_factory.mktemp("undisturbed"), fresh_database)


@pytest.fixture
def machines(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> list[Machine]:
    monkeypatch.setenv(SCRATCH_VARIABLE, "")
    monkeypatch.setattr(claim, "LOOK_EVERY_S", 0.2)
    monkeypatch.setattr(claim, "LEASE_S", 1.0)
    return [Machine(tmp_path / name, store.uri) for name in ("first", "second")]


def test_another_machine_goes_on_with_a_run_whose_driver_was_killed(
    machines: list[Machine], undisturbed: dict[str, Any], tracking_uri: str, store: Store,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    first, second = machines
    options = {"tracking__uri": tracking_uri, "root": store.uri}
    meet = partial(be_on, first.disk, dying_between_report_and_checkpoint)
    assert first.run.run_apart(meet, **options).code == KILLED
    shutil.rmtree(first.disk)
    assert second.run.run_here(**options) == 0
    second.run.assert_as_if_nothing_had_happened(undisturbed, MlflowClient(tracking_uri))
    left = store.content("run/retrain")
    assert {"result.json", "generator.pt", "samples.png"} <= left.keys()
    assert left["checkpoints/step-000000003/state.pt"] == state(second)
    assert not [name for name in left if "/." in f"/{name}"], "claims are withdrawn"

    store.write("found/search/genotype_generator.json", left["genotype_generator.json"])
    read_on(machines[0].disk.with_name("third"), store.uri, tracking_uri, monkeypatch, capsys)
    assert first.run.run_here(**options) == 0, "a finished run is found finished, on any machine"
    assert state(first) == state(second)
    assert json.loads((first.run.folder / "result.json").read_text())["step"] == 3


def read_on(
    disk: Path, root: str, uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands that read a run, on a machine that has never seen it."""
    be_on(disk)
    monkeypatch.chdir(disk.parent)
    capsys.readouterr()
    assert main(["generate", "run", "--root", root, "--out", "grid.png", "--count", "4", "--json"]) == 0
    assert Path("grid.png").read_bytes().startswith(b"\x89PNG")
    made = json.loads(capsys.readouterr().out)["genotype"]
    assert main(["genotype", "show", "found", "--root", root, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hash"] == made
    assert main(["export", "run", "--root", root, "--out", "generator.pt2"]) == 0
    assert Path("generator.pt2").is_file()
    capsys.readouterr()
    assert main(["compare", "run", "--root", root, "--tracking-uri", uri, "--json"]) == 0
    assert [row["hash"] for row in json.loads(capsys.readouterr().out)["rows"]] == [made]
    assert main(["compare", "run", "--root", root]) == MISTAKE
    assert "give --tracking-uri too" in capsys.readouterr().err
    assert main(["generate", "nobody", "--root", root, "--out", "grid.png"]) == MISTAKE
    place = root.partition("?")[0]
    assert f"give the name of a run in {place} that has retrained" in capsys.readouterr().err


def state(machine: Machine) -> bytes:
    return (machine.run.checkpoints / "step-000000003" / "state.pt").read_bytes()


def test_the_last_checkpoint_waits_for_a_store_that_is_away(
    machines: list[Machine], undisturbed: dict[str, Any], tracking_uri: str, store: Store,
    s3: ThreadedMotoServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    reported = TrackedRun.report

    def stop_at_the_end(tracked: TrackedRun, report: Report) -> None:
        reported(tracked, report)
        if report.step == 3:
            s3.stop()

    monkeypatch.setattr(TrackedRun, "report", stop_at_the_end)
    waiting = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: s3.start())
    monkeypatch.setattr(stored_folder, "time", waiting)  # other threads sleep too
    options = {"tracking__uri": tracking_uri, "root": store.uri}
    assert machines[0].run.run_here(**options) == 0
    assert caplog.text.count("the last checkpoint waits for the store") == 1
    machines[0].run.assert_as_if_nothing_had_happened(undisturbed, MlflowClient(tracking_uri))
    assert store.content("run/retrain")["checkpoints/step-000000003/state.pt"] == state(machines[0])


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [tmp_path / name / "run" / "search" for name in ("first", "second")]


def stored(folder: Path, store: Store) -> StoredFolder:
    return StoredFolder(store.uri, folder.parent.parent, folder)


def save(folder: Path, step: int, value: float = 0.0) -> None:
    meta = CheckpointMeta(step=step, identity={}, images="f00d", metrics={})
    CheckpointStore(folder / "checkpoints", keep=2).save({"value": torch.tensor(value)}, meta)


def values(folder: Path) -> dict[int, float]:
    """Of the checkpoints there, by step."""
    found = (folder / "checkpoints").glob("step-*/state.pt")
    return {int(path.parent.name[5:]): float(torch.load(path, weights_only=True)["value"]) for path in found}


def test_checkpoints_that_the_store_did_not_get_are_trained_again(store: Store, folders: list[Path]) -> None:
    save(folders[0], 10)
    stored(folders[0], store).send_checkpoints()
    save(folders[0], 20)
    stored(folders[0], store).fetch_checkpoints()
    assert values(folders[0]) == {10: 0.0}


def test_checkpoints_of_another_life_of_the_name_are_replaced(store: Store, folders: list[Path]) -> None:
    save(folders[0], 10, value=1.0)
    save(folders[1], 10, value=2.0)
    stored(folders[0], store).send_checkpoints()
    stored(folders[1], store).fetch_checkpoints()
    assert values(folders[1]) == {10: 1.0}


def test_a_checkpoint_that_was_not_sent_whole_is_none(store: Store, folders: list[Path]) -> None:
    save(folders[0], 10)
    save(folders[0], 20)
    stored(folders[0], store).send_checkpoints()
    store.delete("run/search/checkpoints/step-000000020/SHA256SUMS")
    stored(folders[1], store).fetch_checkpoints()
    assert values(folders[1]) == {10: 0.0}


def test_a_worker_that_was_taken_for_dead_deletes_nothing_of_its_successor(
    store: Store, folders: list[Path]
) -> None:
    for step in (10, 20):
        save(folders[0], step)
    stored(folders[0], store).send_checkpoints()
    stored(folders[1], store).fetch_checkpoints()
    for step in (30, 40):
        save(folders[1], step)
    stored(folders[1], store).send_checkpoints()
    save(folders[0], 30)  # retires 10; 40 was never here
    stored(folders[0], store).send_checkpoints()
    steps = {name.split("/")[1] for name in store.content("run/search")}
    assert steps == {"step-000000020", "step-000000030", "step-000000040"}


def test_what_an_earlier_run_of_the_name_left_here_goes_when_the_store_knows_nothing(
    store: Store, folders: list[Path]
) -> None:
    folders[0].mkdir(parents=True)
    (folders[0] / "derivations.jsonl").write_text("of another run")
    stored(folders[0], store).begin()
    assert list(folders[0].iterdir()) == []


def test_notes_are_sent_again_only_when_they_change(store: Store, folders: list[Path]) -> None:
    folders[0].mkdir(parents=True)
    for name in ("still.txt", "growing.txt"):
        (folders[0] / name).write_text("first")
    copy = stored(folders[0], store)
    copy.send()
    for name in ("still.txt", "growing.txt"):
        store.delete(f"run/search/{name}")
    (folders[0] / "growing.txt").write_text("first and second")
    copy.send()
    assert store.content("run/search") == {"growing.txt": b"first and second"}
