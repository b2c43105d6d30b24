"""Finding what `advnas evaluate` scores and compares with: generators, folders, data sets, statistics."""

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, UnidentifiedImageError

from orchestrator.artifacts.generators import TrainedGenerator, generator_if_any
from orchestrator.artifacts.resolve import resolve
from orchestrator.config.experiment import Experiment
from search_space.errors import UserError
from trainers.datasets.config import ImageFolderConfig
from trainers.datasets.image_folder import SUFFIXES, image_files
from trainers.datasets.images import Images
from trainers.datasets.registry import load_images
from trainers.metrics.config import EvaluationConfig
from trainers.noise import generator_for
from trainers.samples import pixels_of

logger = logging.getLogger(__name__)

Subject = TrainedGenerator | Images

GRAY_MODES = ("1", "L", "LA")
"""Pillow's names."""


@dataclass(frozen=True)
class Against:
    """What scores compare with."""

    name: str
    images: Images | None
    """None where statistics stand for them."""
    evaluation: EvaluationConfig
    """With the statistics to compare with, if they are not to be made of the images."""


def find_subject(source: str, experiment: Experiment, genotype: str | None) -> Subject:
    """The generator or the images that a source names; `genotype` is that of a released checkpoint.

    Raises:
        UserError: there is nothing of that name, or it cannot be used.
    """
    genotype = genotype or experiment.retrain.genotype
    generator = generator_if_any(source, experiment.folder, experiment.tracking_uri, genotype)
    if generator is not None:
        return generator
    if folder := resolve(source, experiment.folder, ("folder",)):
        return _folder(folder.path, experiment)
    raise UserError(
        f"{source}: neither a run in {experiment.folder}, nor a generator.pt, a .pth checkpoint of the "
        "released code or a folder of images"
    )


def require_there(source: str, root: Path) -> None:
    """Refuse a name to compare with that stands for nothing, before what is scored has been read.

    Raises:
        UserError: no such file, folder or run.
    """
    if not resolve(source, root, ("address", "anything there")):
        raise UserError(
            f"--against {source}: no such file or folder, nor a run in {root}; "
            "`advnas evaluate stats` makes statistics"
        )


def find_against(
    source: str | None, experiment: Experiment, genotype: str | None, device: torch.device
) -> Against:
    """The configured data set, or what a source names: also an .npz of statistics.

    Raises:
        UserError: there is nothing of that name, or it cannot be used.
    """
    evaluation, data = experiment.retrain.evaluation, experiment.data
    if source is None:
        return Against(data.name, load_images(data, experiment.folder / "cache"), evaluation)
    if statistics := resolve(source, experiment.folder, ("statistics",)):
        file = statistics.path.expanduser().absolute()
        return Against(source, None, evaluation.model_copy(update={"statistics": file}))
    subject = find_subject(source, experiment, genotype)
    images = subject if isinstance(subject, Images) else generated_images(subject, evaluation, device)
    return Against(source, images, evaluation.model_copy(update={"statistics": None}))


def generated_images(
    generator: TrainedGenerator, evaluation: EvaluationConfig, device: torch.device
) -> Images:
    """The images that an evaluation of the generator looks at, kept."""
    network = generator.network.to(device)
    random = generator_for(torch.device("cpu"), evaluation.seed, "evaluation latents")
    latents = torch.randn(evaluation.samples, network.config.latent_dim, generator=random)
    batches = latents.split(evaluation.batch_size)
    return Images.of(torch.cat([pixels_of(network, z.to(device)) for z in batches]))


def _folder(folder: Path, experiment: Experiment) -> Images:
    """The images as they are: all have to be of one size, as nothing may be resized before it is scored."""
    first, channels = _first_image(folder), experiment.data.channels
    if (first.mode in GRAY_MODES) != (channels == 1):
        logger.warning("%s: images of mode %s are read as data.channels = %d", folder, first.mode, channels)
    config = ImageFolderConfig(
        root=folder,
        image_size=first.width,
        channels=channels,
        resize="none",
        crop="none",
    )
    return load_images(config, experiment.folder / "cache")


def _first_image(folder: Path) -> Image.Image:
    """Header of the first image found; any other size in the folder is then an error.

    Raises:
        UserError: no image can be read there.
    """
    for path in image_files(folder):
        try:
            with Image.open(path) as image:
                return image
        except (OSError, UnidentifiedImageError):
            continue
    raise UserError(f"{folder}: no image there that can be read ({', '.join(SUFFIXES)})")
