"""Object stores and MLflow servers for tests of runs that use them."""

import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.mlflow_server import server_of
from tests.s3_server import Store, s3_server


@pytest.fixture(scope="module")
def s3() -> Iterator[ThreadedMotoServer]:
    with s3_server() as server:
        yield server


@pytest.fixture
def store(s3: ThreadedMotoServer, request: pytest.FixtureRequest) -> Store:
    """A bucket under a new name for each test."""
    return Store(s3, f"bucket-{zlib.crc32(request.node.name.encode())}")


@pytest.fixture
def tracking_uri(tmp_path: Path, fresh_database: Path) -> Iterator[str]:
    """Of an MLflow server, as runs with object stores need one."""
    shutil.copy(fresh_database, tmp_path / "mlflow.db")
    with server_of(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "served") as server:
        yield f"http://127.0.0.1:{server.port}"
