"""The preview of a run's images: a summary and a contact sheet, before the run starts."""

from collections.abc import Iterator
from pathlib import Path

import torch

from orchestrator.config.experiment import Experiment
from orchestrator.console.console import Console
from orchestrator.plots.images import image_grid
from trainers.datasets.config import DecodedConfig, ImageFolderConfig
from trainers.datasets.images import DataError
from trainers.datasets.registry import load_images
from trainers.datasets.survey import description, survey
from trainers.files import written_whole

SHEET_FILE = "images.png"
SHEET = 64
"""Images on the contact sheet, spread evenly over the set."""


def preview(experiment: Experiment, folder: Path, console: Console, *stages: str) -> None:
    """Prepare a user's own images, describe them, and leave a contact sheet in the run's folder.

    Other data sets are known. A driver on a cluster that cannot see the images leaves them to the workers.

    Raises:
        DataError: broken images, or too few for the stages that follow.
    """
    config = experiment.data
    if not isinstance(config, DecodedConfig):
        return
    root = config.root if isinstance(config, ImageFolderConfig) else None
    if root and not root.is_dir() and experiment.cluster.address != "local":
        return
    images = load_images(config, experiment.folder / "cache")
    if misfit := too_few(experiment, len(images), stages):
        raise DataError(misfit)
    if isinstance(config, ImageFolderConfig):
        for line in description(survey(config.root), config):
            console.say(f"data: {line}")
    chosen = torch.linspace(0, len(images) - 1, min(SHEET, len(images))).long()
    with written_whole(folder / SHEET_FILE) as sheet:
        sheet.write(image_grid(images.pixels[chosen]))
    console.say(f"data: {len(chosen)} of {len(images):,} images as networks see them: {folder / SHEET_FILE}")


def contact_sheet(experiment: Experiment) -> dict[str, bytes]:
    """The files of a run's preview for MLflow: the contact sheet, if there is one."""
    file = experiment.folder / (experiment.name or "") / SHEET_FILE
    return {SHEET_FILE: file.read_bytes()} if file.is_file() else {}


def too_few(experiment: Experiment, count: int, stages: tuple[str, ...]) -> str | None:
    """A message about all that needs more images than there are, with the cure; None where all fits."""
    option = "root" if isinstance(experiment.data, ImageFolderConfig) else "path"
    needs = dict(need for stage in stages for need in _needs(experiment, stage) if need[1] > count)
    if not needs:
        return None
    found = f"data.{option}: {count} image{'s' if count > 1 else ''} in {getattr(experiment.data, option)}"
    named = " and ".join(f"{name} is {needed}" for name, needed in needs.items())
    smaller = " ".join(f"--{name} {count - count % 2}" for name in needs)
    cure = f"or use {smaller}" if count > 1 else f"at least {max(needs.values())}"
    return f"{found}, but {named}; add images (a GAN needs hundreds), {cure}"


def _needs(experiment: Experiment, stage: str) -> Iterator[tuple[str, int]]:
    config = getattr(experiment, stage)
    yield f"{stage}.batch_size", config.batch_size
    scored = stage == "retrain" or config.evaluation.every
    if scored and {"kd", "kid"} & set(config.evaluation.metrics):
        yield f"{stage}.evaluation.kd_subset_size", config.evaluation.kd_subset_size
