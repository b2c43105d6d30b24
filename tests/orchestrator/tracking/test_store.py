"""What can be wrong with a store is said in one line before anything is trained."""

import json
import os
import sqlite3
from contextlib import closing

import pytest

from orchestrator.tracking import Tracker, TrackingError, store
from search_space.errors import UserError
from tests.small_disks import mounted


def refused(uri: str, root, experiment: str = "advnas") -> str:
    with pytest.raises(TrackingError) as error:
        Tracker(uri, experiment, root)
    assert isinstance(error.value, UserError)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_embedded_database_is_made_where_there_is_none(fresh_database):
    with closing(sqlite3.connect(fresh_database)) as database:
        names = database.execute("select name from experiments").fetchall()
    assert ("of the copied database",) in names


def test_a_database_in_use_by_another_program_is_named(uri, root, monkeypatch):
    monkeypatch.setattr(store, "LOCK_TIMEOUT", 0.05)
    with closing(sqlite3.connect(root / "mlflow.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        message = refused(uri, root)
    assert message == (
        f"tracking.uri = {uri}: database is locked; "
        "another program holds it: end that, or choose another root or tracking.uri"
    )


def test_a_database_of_another_mlflow_is_named_with_what_to_do(uri, root):
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        database.execute("update alembic_version set version_num = 'of_the_future'")
        database.commit()
    message = refused(uri, root)
    assert "found version of_the_future" in message
    assert f"`mlflow db upgrade {uri}`" in message


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path):
    (tmp_path / "mlflow.db").write_text("my notes, which are longer than the header of a database " * 9)
    before = (tmp_path / "mlflow.db").read_bytes()
    assert "file is not a database" in refused(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path)
    assert (tmp_path / "mlflow.db").read_bytes() == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    uri = f"sqlite:///{tmp_path / 'file' / 'mlflow.db'}"
    assert refused(uri, tmp_path).startswith(f"tracking.uri = {uri}: ")


@pytest.fixture
def read_only(tmp_path):
    """A file system that nobody may write to, not even root."""
    with mounted(tmp_path, "ro") as disk:
        yield disk


@pytest.mark.parametrize("below", ["", "runs"])
def test_a_root_that_cannot_be_written_is_said_to_be_so(below, read_only):
    root = read_only / below
    message = refused(f"sqlite:///{root / 'mlflow.db'}", root)
    assert "cannot be written" in message or "Read-only file system" in message
    assert message.endswith("make it writable, or choose another root or tracking.uri")
    assert "unable to open" not in message


@pytest.mark.parametrize("uri", ["nonsense://here", "mlruns", "file:///tmp/mlruns"])
def test_a_uri_that_is_no_store_is_answered_with_those_that_are(uri, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refused(uri, tmp_path).endswith(
        "use sqlite:////absolute/path/mlflow.db, http://host:port, or null for a database in root"
    )


def test_an_experiment_of_an_earlier_version_gets_the_view_of_its_runs(tracker, client, uri, root):
    tag = "mlflow.sharedViewState.advnas"
    client.set_experiment_tag(tracker.experiment_id, tag, "{}")
    Tracker(uri, "advnas", root)
    view = json.loads(client.get_experiment(tracker.experiment_id).tags[tag])
    assert {"metrics.`fid`", "metrics.`fd_digits`", "params.`seed`"} <= set(view["selectedColumns"])


def test_a_deleted_experiment_is_named_with_how_to_bring_it_back(tracker, client, uri, root):
    client.delete_experiment(tracker.experiment_id)
    message = refused(uri, root)
    assert message.startswith("tracking.experiment = advnas: deleted in ")
    assert f"--experiment-id {tracker.experiment_id}" in message


def test_settings_of_the_users_environment_stay(uri, root, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "300")
    Tracker(uri, "advnas", root)
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "300"


@pytest.mark.usefixtures("tracker")
def test_no_usage_is_reported_to_anybody():
    from mlflow.telemetry.utils import is_telemetry_disabled

    assert is_telemetry_disabled()
