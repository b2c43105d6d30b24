"""Copies in an S3 server on this machine: a run goes on from them in an empty root."""

import re
import shutil
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow import MlflowClient
from moto.core import set_initial_no_auth_action_count
from moto.moto_server.werkzeug_app import MotoRequestHandler
from moto.server import ThreadedMotoServer
from pyarrow.fs import FileSelector, FileSystem

from orchestrator.checkpoints.object_store import MirrorError, ObjectStoreCopy
from orchestrator.checkpoints.store import CheckpointMeta, CheckpointStore
from orchestrator.tracking.run import TrackedRun
from tests.mlflow_server import server_of
from tests.orchestrator.disturbed import Disturbed, undisturbed_state
from tests.orchestrator.test_failures import KILLED, dying_between_report_and_checkpoint
from trainers.report import Report


class Store:
    """A bucket of its own, under a new name for each test."""

    def __init__(self, port: int, bucket: str) -> None:
        self.uri = (
            f"s3://{bucket}/runs?scheme=http&endpoint_override=127.0.0.1:{port}&region=us-east-1"
            "&allow_bucket_creation=true"
        )
        self.bucket = bucket
        self.files, _ = FileSystem.from_uri(self.uri)
        self.files.create_dir(bucket)

    def content(self, folder: str) -> dict[str, bytes]:
        """Of everything below a folder of the root."""
        place = f"{self.bucket}/runs/{folder}"
        found = self.files.get_file_info(FileSelector(place, recursive=True, allow_not_found=True))
        return {
            info.path.removeprefix(f"{place}/"): self.files.open_input_stream(info.path).read()
            for info in found
            if info.is_file
        }

    def delete(self, path: str) -> None:
        self.files.delete_file(f"{self.bucket}/runs/{path}")


@pytest.fixture(scope="module")
def s3() -> Iterator[ThreadedMotoServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "someone")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "something")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        # Connections that are kept alive would go on being answered after the server has stopped.
        patch.setattr(MotoRequestHandler, "protocol_version", "HTTP/1.0", raising=False)
        with socket.create_server(("127.0.0.1", 0)) as probe:  # the same port after an outage
            port = probe.getsockname()[1]
        server = ThreadedMotoServer("127.0.0.1", port)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def store(s3: ThreadedMotoServer, request: pytest.FixtureRequest) -> Store:
    _, port = s3.get_host_and_port()
    return Store(port, f"bucket-{zlib.crc32(request.node.name.encode())}")


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
    mirror_of(folder, re.sub(r"127.0.0.1:\d+", "127.0.0.1:9", store.uri)).send_if_possible()
    assert caplog.text.count("the run goes on, what is new is sent later") == 1
    mirror_of(folder, store.uri).send()
    assert store.content("run/search") == content(folder)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> dict[str, Any]:
    """What the retraining comes to without mirror and without faults."""
    return undisturbed_state(tmp_path_factory.mktemp("undisturbed"), fresh_database)


@pytest.fixture
def tracking_uri(tmp_path: Path, fresh_database: Path) -> Iterator[str]:
    """Of an MLflow server, as runs with copies need one."""
    shutil.copy(fresh_database, tmp_path / "mlflow.db")
    with server_of(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "served") as server:
        yield f"http://127.0.0.1:{server.port}"


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
