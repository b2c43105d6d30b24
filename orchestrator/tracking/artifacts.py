"""Fetching files from MLflow by the address of a run or of a model."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.tracking.store import SETTINGS, client_of, explained
from search_space.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

RUN, MODEL = "runs:/", "models:/"


def is_address(source: str) -> bool:
    """Whether a source is an address of MLflow's: runs:/ID, models:/NAME/VERSION or models:/NAME@ALIAS."""
    return source.startswith((RUN, MODEL))


def fetch(address: str, names: tuple[str, ...], uri: str, cache: Path) -> dict[str, Path]:
    """Copies of those of the named files that the run has.

    Raises:
        TrackingError: the store does not answer.
        UserError: it has no such run or model, or the run has none of the files.
    """
    for variable, value in SETTINGS.items():
        os.environ.setdefault(variable, value)

    with explained(uri):
        client = client_of(uri)
        run_id = _run_id(address, client)
        folder = cache / "mlflow" / run_id
        folder.mkdir(parents=True, exist_ok=True)
        kept = {artifact.path for artifact in client.list_artifacts(run_id)}
        found = {
            name: Path(client.download_artifacts(run_id, name, str(folder))) for name in names if name in kept
        }
    if not found:
        raise UserError(f"{address}: the run keeps no {' or '.join(names)}")
    return found


def _run_id(address: str, client: "MlflowClient") -> str:
    from mlflow.exceptions import MlflowException

    try:
        if address.startswith(RUN):
            return client.get_run(address.removeprefix(RUN).rstrip("/")).info.run_id
        version = _model_version(address.removeprefix(MODEL), client)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        raise UserError(f"{address}: there is no such run or model in {client.tracking_uri}") from error
    if version is None or not version.run_id:
        raise UserError(f"{address}: name a version or an alias of a model that a run has made")
    return version.run_id


def _model_version(name: str, client: "MlflowClient") -> "ModelVersion | None":
    if "@" in name:
        return client.get_model_version_by_alias(*name.split("@", 1))
    return client.get_model_version(*name.split("/", 1)) if "/" in name else None
