"""Opening the MLflow store. Its faults are found here, before anything is trained."""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.tracking.view import EXPERIMENT_TAGS, KIND_TAG, VIEW_TAG
from search_space.errors import UserError, one_line
from trainers.files import is_disk_full
from trainers.locks import locked

if TYPE_CHECKING:
    from mlflow import MlflowClient

SQLITE = "sqlite:///"

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # The last line of stdout belongs to --json.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # It would pack the uv project of whatever folder the command runs in beside a model.
    "MLFLOW_UV_AUTO_DETECT": "false",
    # Of one request. MLflow's own 7 retries would hold up a training for minutes; the outbox retries instead.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
}
"""Environment variables of MLflow; those that the user has set stay."""

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another process that writes to the database."""


WRITABLE = "make it writable, or choose another root or tracking.uri"


class TrackingError(UserError):
    """The place named by `tracking.uri` cannot keep runs."""


def open_experiment(uri: str, name: str, root: Path) -> tuple["MlflowClient", str]:
    """Client of the store, and the id of the experiment, which is made where it does not exist.

    Artifacts of a database go to <root>/mlartifacts; a server knows where it keeps its own.

    Raises:
        TrackingError: no such store, not writable, locked, of another version of MLflow, or not answering.
    """
    for variable, value in SETTINGS.items():
        os.environ.setdefault(variable, value)
    with explained(uri):
        if not uri.startswith(SQLITE):
            return _open(uri, name, root)
        database = Path(uri.removeprefix(SQLITE)).absolute()
        _check_writable(database)
        # Two processes must not make the tables of a new database at the same time.
        with locked(Path(f"{database}.lock")):
            return _open(f"{SQLITE}{database}", name, root)


@contextmanager
def explained(uri: str) -> Iterator[None]:
    """Turn what a store raises into one line for the user."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, _store_errors()):
            raise
        raise TrackingError(f"tracking.uri = {uri}: {one_line(error)}; {_cure(uri, str(error))}") from error


def client_of(uri: str) -> "MlflowClient":
    """MLflow's client whose registered models lie where the runs do.

    MLflow's own default is the environment's `MLFLOW_REGISTRY_URI`, and a version there would name runs of a
    store that does not know it.
    """
    from mlflow import MlflowClient

    return MlflowClient(uri, registry_uri=uri)


def _open(uri: str, name: str, root: Path) -> tuple["MlflowClient", str]:
    # Their news of migrations and tracebacks of failed writes; we report failures ourselves.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    client = client_of(uri)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        artifacts = None if uri.startswith("http") else (root.absolute() / "mlartifacts").as_uri()
        return client, client.create_experiment(name, artifacts, tags=EXPERIMENT_TAGS)
    if experiment.lifecycle_stage == "deleted":
        raise TrackingError(
            f"tracking.experiment = {name}: deleted in {uri}; choose another name, or bring it back with "
            f"`mlflow experiments restore --experiment-id {experiment.experiment_id}`"
        )
    for tag in (VIEW_TAG, KIND_TAG):  # of an earlier version
        if experiment.tags.get(tag) != EXPERIMENT_TAGS[tag]:
            client.set_experiment_tag(experiment.experiment_id, tag, EXPERIMENT_TAGS[tag])
    return client, experiment.experiment_id


def _check_writable(database: Path) -> None:
    """Fail at once where MLflow would retry for minutes, and say what SQLite does not.

    Raises:
        TrackingError: the folder cannot be made or written.
    """
    folder = database.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if is_full(error):
            raise
        raise TrackingError(f"tracking.uri = {SQLITE}{database}: {error.strerror}; {WRITABLE}") from error
    for place in (folder, database):
        if place.exists() and not os.access(place, os.W_OK):
            raise TrackingError(f"tracking.uri = {SQLITE}{database}: {place} cannot be written; {WRITABLE}")
    with closing(sqlite3.connect(database, timeout=LOCK_TIMEOUT)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()


def is_full(error: BaseException) -> bool:
    """Whether a full disk is why the store refuses; SQLite says so in words."""
    return is_disk_full(error) or _says_full(str(error))


def _says_full(message: str) -> bool:
    return "disk is full" in message or "No space left" in message


def _store_errors() -> tuple[type[Exception], ...]:
    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    # ImportError: the driver of a database server is not installed.
    return MlflowException, SQLAlchemyError, CommandError, sqlite3.Error, OSError, ImportError


def _cure(uri: str, message: str) -> str:
    if "database schema" in message or "locate revision" in message:
        return f"another version of MLflow wrote it: `mlflow db upgrade {uri}` renews an older one"
    if _says_full(message):
        return "free some space, then start the run again"
    if "database is locked" in message:
        return "another program holds it: end that, or choose another root or tracking.uri"
    if uri.startswith("http"):
        return "start the server, or correct tracking.uri; null is a database in root"
    return "use sqlite:////absolute/path/mlflow.db, http://host:port, or null for a database in root"
