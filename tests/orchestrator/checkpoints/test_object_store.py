"""Copies in an S3 server on this machine: a run goes on from them in an empty root."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow import MlflowClient
from moto.core import set_initial_no_auth_action_count
from moto.server import ThreadedMotoServer

from orchestrator.checkpoints.object_store import MirrorError, ObjectStoreCopy
from orchestrator.checkpoints.store import CheckpointMeta, CheckpointStore
from orchestrator.tracking.run import TrackedRun
from tests.orchestrator.disturbed import Disturbed, undisturbed_state
from tests.orchestrator.test_failures import KILLED, dying_between_report_and_checkpoint
from tests.s3_server import Store
from trainers.report import Report


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a job with checkpoints at steps 10 and 20."""
    folder = tmp_path / "root" / "run" / "search"
    for step in (10, 20):
        save(folder, step)
    (folder / "derivations.jsonl").write_text("{}")
    (folder / ".driver.lock").touch()
    return folder


def save(folder: Path, step: int) -> None:
    meta = CheckpointMeta(step=step, identity={}, images="f00d", metrics={})
    CheckpointStore(folder / "checkpoints", keep=2).save({"step": torch.tensor(step)}, meta)


def mirror_of(folder: Path, uri: str) -> ObjectStoreCopy:
    return ObjectStoreCopy(uri, folder.parent.parent, folder)


def content(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != ".driver.lock"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def newest(folder: Path) -> int:
    checkpoint = CheckpointStore(folder / "checkpoints", keep=2).latest()
    return checkpoint.meta.step if checkpoint else 0


def test_the_copy_follows_the_folder(store: Store, folder: Path) -> None:
    mirror = mirror_of(folder, store.uri)
    mirror.send()
    assert store.content("run/search") == content(folder)
    save(folder, 30)
    (folder / "derivations.jsonl").write_text("{}\n{}")
    mirror.send()
    assert store.content("run/search") == content(folder)
    assert "checkpoints/step-000000010/state.pt" not in store.content("run/search")


def test_an_empty_root_gets_what_the_store_has(store: Store, folder: Path, tmp_path: Path) -> None:
    mirror_of(folder, store.uri).send()
    elsewhere = tmp_path / "elsewhere" / "run" / "search"
    mirror_of(elsewhere, store.uri).fetch()
    assert content(elsewhere) == content(folder)


def test_a_copy_that_was_not_sent_whole_does_not_count(store: Store, folder: Path, tmp_path: Path) -> None:
    mirror_of(folder, store.uri).send()
    store.delete("run/search/checkpoints/step-000000020/SHA256SUMS")
    elsewhere = tmp_path / "elsewhere" / "run" / "search"
    mirror_of(elsewhere, store.uri).fetch()
    assert newest(elsewhere) == 10


def test_nothing_is_written_outside_the_folder(store: Store, folder: Path, tmp_path: Path) -> None:
    mirror_of(folder, store.uri).send()
    with store.files.open_output_stream(f"{store.bucket}/runs/run/search/../../../proof") as stream:
        stream.write(b"")
    mirror_of(tmp_path / "elsewhere" / "run" / "search", store.uri).fetch()
    assert not list(tmp_path.rglob("proof"))


def test_what_is_newer_here_stays(store: Store, folder: Path) -> None:
    mirror_of(folder, store.uri).send()
    save(folder, 30)
    before = content(folder)
    mirror_of(folder, store.uri).fetch()
    assert content(folder) == before


def test_a_damaged_checkpoint_is_mended_from_the_copy(store: Store, folder: Path) -> None:
    mirror_of(folder, store.uri).send()
    (folder / "checkpoints" / "step-000000020" / "state.pt").write_bytes(b"")
    mirror_of(folder, store.uri).fetch()
    assert newest(folder) == 20


def test_a_store_without_the_bucket_is_an_error_of_one_line(store: Store, folder: Path) -> None:
    uri = store.uri.replace(store.bucket, "absent").replace("&allow_bucket_creation=true", "")
    with pytest.raises(MirrorError, match=r"^mirror = s3://absent/runs.*credentials in the env") as raised:
        mirror_of(folder, uri).send()
    assert "\n" not in str(raised.value)


def test_a_key_that_the_store_does_not_know_is_an_error_of_one_line(store: Store, folder: Path) -> None:
    @set_initial_no_auth_action_count(0)
    def send() -> None:
        mirror_of(folder, store.uri).send()

    with pytest.raises(MirrorError, match=r"^mirror = s3://.*credentials in the env") as raised:
        send()
    assert "\n" not in str(raised.value)


def test_a_store_that_is_away_is_a_warning_and_gets_everything_later(
    store: Store, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mirror_of(folder, re.sub(r"127.0.0.1:\d+", "127.0.0.1:9", store.uri)).send_checkpoints()
    assert caplog.text.count("the run goes on, what is new is sent later") == 1
    mirror_of(folder, store.uri).send()
    assert store.content("run/search") == content(folder)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> dict[str, Any]:
    """What the retraining comes to without mirror and without faults."""
    return undisturbed_state(tmp_path_factory.mktemp("undisturbed"), fresh_database)


@pytest.fixture
def roots(tmp_path: Path) -> tuple[Disturbed, Disturbed]:
    """The same run on two machines."""
    first, second = (Disturbed(tmp_path / name) for name in ("first", "second"))
    for run in (first, second):
        run.root.mkdir()
    return first, second


def test_a_run_whose_machine_is_lost_goes_on_from_the_copy(
    store: Store, roots: tuple[Disturbed, Disturbed], undisturbed: dict[str, Any], tracking_uri: str
) -> None:
    first, second = roots
    options = {"tracking__uri": tracking_uri, "mirror": store.uri}
    assert first.run_apart(dying_between_report_and_checkpoint, **options).code == KILLED
    shutil.rmtree(first.root)
    assert second.run_here(**options) == 0
    second.assert_as_if_nothing_had_happened(undisturbed, MlflowClient(tracking_uri))
    assert store.content("run/retrain") == content(second.folder)


def test_a_store_that_is_away_in_the_middle_of_a_run_has_it_whole_at_its_end(
    store: Store, roots: tuple[Disturbed, Disturbed], undisturbed: dict[str, Any], tracking_uri: str,
    s3: ThreadedMotoServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    first, second = roots
    reported = TrackedRun.report

    def come_and_go(tracked: TrackedRun, report: Report) -> None:
        reported(tracked, report)
        if report.step == 2:
            s3.stop()
        elif report.step == 3:
            s3.start()

    monkeypatch.setattr(TrackedRun, "report", come_and_go)
    options = {"tracking__uri": tracking_uri, "mirror": store.uri}
    assert first.run_here(**options) == 0
    assert caplog.text.count("the run goes on, what is new is sent later") == 1
    assert store.content("run/retrain") == content(first.folder)
    shutil.rmtree(first.root)
    assert second.run_here(**options) == 0
    second.assert_as_if_nothing_had_happened(undisturbed, MlflowClient(tracking_uri))
