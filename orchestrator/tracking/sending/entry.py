"""One complete write to a run: it is sent at once, or waits in a file until the store answers."""

import io
import json
import time
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from search_space.frozen import Frozen

if TYPE_CHECKING:
    from mlflow import MlflowClient

Status = Literal["FINISHED", "FAILED", "KILLED"]


class Dataset(Frozen):
    """Images by name and content hash, as MLflow lists them beside a run."""

    name: str
    fingerprint: str


def _below(path: str) -> str:
    if path.startswith("/") or ".." in PurePosixPath(path).parts:
        raise ValueError("must stay below the run's artifacts")
    return path


ArtifactPath = Annotated[str, AfterValidator(_below)]
"""Entries wait as files in the folder of runs: who writes there must not write anywhere else by it."""


class Clock:
    """Milliseconds since 1970, MLflow's unit; they never go back, whatever is done to the machine's clock."""

    def __init__(self) -> None:
        self._latest = 0

    def __call__(self) -> int:
        """Later than the time before."""
        self._latest = max(int(time.time() * 1000), self._latest + 1)
        return self._latest


now = Clock()


class Entry(Frozen):
    """What is written together. Sending it twice stores metrics once, as their time is part of it."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    time: int = Field(default_factory=now)
    """Time of the event, not of its sending, in milliseconds since 1970."""
    step: int = 0
    metrics: dict[str, float] = Field(default_factory=dict)
    params: dict[str, str] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    files: dict[ArtifactPath, bytes] = Field(default_factory=dict)
    """Content by artifact path."""
    images: dict[str, bytes] = Field(default_factory=dict)
    """PNG by key, for MLflow's view of images by step."""
    dataset: Dataset | None = None
    status: Status | None = None


def send(entry: Entry, client: "MlflowClient", run_id: str, again: bool = False) -> None:
    """Write to the store. Metrics come after files and images: where they are, the rest is too.

    `again`: a part of it may be there. Images would be kept twice; everything else replaces itself.
    """
    if entry.files:
        _send_files(entry.files, client, run_id)
    known = _images_of_step(entry.step, client, run_id) if again and entry.images else set()
    for key, png in entry.images.items():
        if key not in known:
            _send_image(key, png, entry, client, run_id)
    if entry.dataset:
        _send_dataset(entry.dataset, client, run_id)
    _send_values(entry, client, run_id)
    if entry.status:
        client.set_terminated(run_id, entry.status, end_time=entry.time)


def _send_files(files: dict[str, bytes], client: "MlflowClient", run_id: str) -> None:
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        client.log_artifacts(run_id, folder)


def _images_of_step(step: int, client: "MlflowClient", run_id: str) -> set[str]:
    """Keys of the images that are there whole: MLflow writes a small copy last."""
    files = [artifact.path.removeprefix("images/") for artifact in client.list_artifacts(run_id, "images")]
    mark = f"+step+{step}+"
    return {file.partition(mark)[0] for file in files if mark in file and file.endswith(".webp")}


def _send_image(key: str, png: bytes, entry: Entry, client: "MlflowClient", run_id: str) -> None:
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        client.log_image(run_id, image, key=key, step=entry.step, timestamp=entry.time)


def _send_dataset(dataset: Dataset, client: "MlflowClient", run_id: str) -> None:
    from mlflow import entities

    source = json.dumps({"name": dataset.name})
    images = entities.Dataset(dataset.name, dataset.fingerprint, source_type="advnas", source=source)
    use = entities.InputTag("mlflow.data.context", "training")
    client.log_inputs(run_id, datasets=[entities.DatasetInput(images, tags=[use])])


def _send_values(entry: Entry, client: "MlflowClient", run_id: str) -> None:
    from mlflow.entities import Metric, Param, RunTag

    client.log_batch(
        run_id,
        metrics=[Metric(key, value, entry.time, entry.step) for key, value in entry.metrics.items()],
        params=[Param(key, value) for key, value in entry.params.items()],
        tags=[RunTag(key, value) for key, value in entry.tags.items()],
    )
