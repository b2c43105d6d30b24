"""A real store a test: SQLite, its tables made once and copied."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.tracking import Tracker
from tests.orchestrator.tracking.examples import settle


@pytest.fixture
def root(tmp_path: Path, fresh_database: Path) -> Path:
    shutil.copy(fresh_database, tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture
def uri(root: Path) -> str:
    return f"sqlite:///{root / 'mlflow.db'}"


@pytest.fixture
def tracker(uri: str, root: Path) -> Tracker:
    return Tracker(uri, "advnas", root)


class Settled:
    """MLflow's client, which waits until what was put is sent."""

    def __init__(self, client, folder: Path) -> None:
        self._client, self._folder = client, folder

    def __getattr__(self, name: str):
        settle(self._folder)
        return getattr(self._client, name)


@pytest.fixture
def client(uri: str, tmp_path: Path):
    from mlflow import MlflowClient

    return Settled(MlflowClient(uri), tmp_path)


@pytest.fixture
def history(client) -> Callable[[str, str], list[tuple[int, float]]]:
    """Step and value of every point of a metric."""

    def of(run_id: str, metric: str) -> list[tuple[int, float]]:
        return [(point.step, point.value) for point in client.get_metric_history(run_id, metric)]

    return of


@pytest.fixture
def artifact(client, tmp_path: Path) -> Callable[[str, str], bytes]:
    """Content of an artifact."""

    def of(run_id: str, path: str) -> bytes:
        return Path(client.download_artifacts(run_id, path, str(tmp_path))).read_bytes()

    return of


@pytest.fixture
def images(client) -> Callable[[str, str], dict[int, str]]:
    """Artifact path of an image of that key, by step."""

    def of(run_id: str, key: str) -> dict[int, str]:
        paths = [file.path for file in client.list_artifacts(run_id, "images")]
        found = [path for path in paths if path.startswith(f"images/{key}+") and path.endswith(".png")]
        assert len({path.split("+step+")[1].split("+")[0] for path in found}) == len(found), "a step twice"
        return {int(path.split("+step+")[1].split("+")[0]): path for path in found}

    return of


@pytest.fixture(autouse=True)
def all_writes_succeed(tmp_path: Path) -> Iterator[None]:
    """A failed write is only a warning to the user; here it is an error."""
    yield
    settle(tmp_path)
    assert not list(tmp_path.rglob("*_unsent/*.json"))
