"""The run to which things happen."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.orchestrator.disturbed import Disturbed, undisturbed_state


@pytest.fixture(scope="package")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> dict[str, Any]:
    """What the retraining comes to if nothing happens."""
    return undisturbed_state(tmp_path_factory.mktemp("undisturbed"), fresh_database)


@pytest.fixture
def run(tmp_path: Path, fresh_database: Path) -> Disturbed:
    """Before anything has happened."""
    shutil.copy(fresh_database, tmp_path / "mlflow.db")
    return Disturbed(tmp_path)
