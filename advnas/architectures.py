"""Genotypes, the networks that they describe, and the images of trained generators."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from orchestrator.config.experiment import default_tracking_uri
from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.networks.config import GENERATOR_CELLS, DiscriminatorConfig, GeneratorConfig
from search_space.spaces.registry import find_space
from search_space.zoo.published import PUBLISHED

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from orchestrator.artifacts.generators import TrainedGenerator
    from search_space.networks.generator import ImageGenerator

T = TypeVar("T", bound=BaseModel)

BATCH = 64
"""The batch size of `advnas generate`. Other sizes would round differently."""


def load_genotype(
    source: str | Path,
    network: Literal["generator", "discriminator"] = "generator",
    root: str | Path = "runs",
) -> Genotype:
    """Load the genotype of a published network, of a file, or of a run.

    Args:
        source: A published name such as `"adversarialnas"` (`advnas.published()` lists them), a `.json` or
            `.npy` file, the name of a run in `root` that has searched or selected, or `runs:/ID` of MLflow.
        network: Which of a run's two genotypes to load. Published names and files contain one.
        root: The folder of runs.

    Raises:
        UserError: there is no such genotype, or the run has none of this network.
    """
    from orchestrator.artifacts.genotypes import named_genotypes

    folder = Path(root).absolute()
    found = named_genotypes(str(source), folder, default_tracking_uri(folder))
    if len(found) == 1:
        return next(iter(found.values()))
    if network not in found:
        raise UserError(f"{source}: has no genotype of a {network}")
    return found[network]


def published() -> list[str]:
    """List the names of the published architectures."""
    return list(PUBLISHED)


def build_generator(
    genotype: Genotype | str | Path,
    channels: int = 256,
    image_size: int = 32,
    image_channels: int = 3,
    latent_dim: int | None = None,
    latent_parts: int | None = None,
) -> "ImageGenerator":
    """Build the generator of a genotype, with random weights.

    The network maps latents `[n, latent_dim]` to images `[n, image_channels, image_size, image_size]` in
    [-1, 1].

    Args:
        genotype: A genotype, or anything that `load_genotype` accepts.
        channels: The width of every cell; published networks for CIFAR-10 have 256.
        image_size: Height and width of the images: a multiple of 8.
        image_channels: 1 for gray images, 3 for RGB.
        latent_dim: The length of a latent vector (default: as published for the genotype's space).
        latent_parts: Number of parts of a latent vector (default: as published for the genotype's space).

    Raises:
        UserError: the genotype is a discriminator's, or sizes do not fit.
    """
    from search_space.networks.generator import derived_generator

    wanted = _genotype(genotype)
    space = find_space(wanted.space)
    if image_size % 2**GENERATOR_CELLS:
        raise UserError(f"image_size = {image_size}: must be a multiple of {2**GENERATOR_CELLS}")
    config = _checked(
        GeneratorConfig,
        channels=channels,
        bottom_width=image_size // 2**GENERATOR_CELLS,
        image_channels=image_channels,
        latent_dim=latent_dim or space.latent_dim,
        latent_parts=latent_parts or space.latent_parts,
    )
    return derived_generator(config, wanted)


def build_discriminator(
    genotype: Genotype | str | Path = "fixed", channels: int = 128, image_channels: int = 3
) -> "nn.Module":
    """Build a discriminator with random weights; it maps images `[n, c, s, s]` to scores `[n, 1]`.

    Args:
        genotype: A discriminator's genotype, anything that `load_genotype` accepts, or `"fixed"`: AutoGAN's
            discriminator, against which generators are retrained.
        channels: The width of every block.
        image_channels: 1 for gray images, 3 for RGB.

    Raises:
        UserError: the genotype is a generator's, or sizes do not fit.
    """
    from search_space.genotype import build
    from search_space.networks.fixed_discriminator import FixedDiscriminator

    config = _checked(DiscriminatorConfig, channels=channels, image_channels=image_channels)
    if genotype == "fixed":
        return FixedDiscriminator(config)
    wanted = _genotype(genotype, "discriminator")
    if wanted.network != "discriminator":
        raise UserError(f"a discriminator cannot be built from a {wanted.network}'s genotype")
    return build(wanted, config)


def load_generator(
    source: str | Path, root: str | Path = "runs", genotype: str | None = None
) -> "TrainedGenerator":
    """Load a trained generator: its `network` is in evaluation mode, its `genotype` describes it.

    Args:
        source: The name of a run in `root` that has retrained, `runs:/ID` or `models:/NAME/VERSION` of
            MLflow, a `generator.pt`, or a `.pth` checkpoint of the released code.
        root: The folder of runs.
        genotype: The genotype of a `.pth` checkpoint, which does not contain its own.

    Raises:
        UserError: there is no such generator, or its file cannot be used.
    """
    from orchestrator.artifacts.generators import find_generator

    folder = Path(root).absolute()
    return find_generator(str(source), folder, default_tracking_uri(folder), genotype)


def generate(generator: "TrainedGenerator | ImageGenerator", count: int = 64, seed: int = 0) -> "np.ndarray":
    """Generate images as an array of bytes `[count, height, width, channels]`, as `advnas generate` does.

    Args:
        generator: What `load_generator` or `build_generator` returns; the latter is put into evaluation mode.
        count: Number of images.
        seed: Seed of the latents. Image i depends on the seed and on i alone.
    """
    import torch

    from orchestrator.artifacts.generators import TrainedGenerator
    from trainers.samples import generated

    network = generator.network if isinstance(generator, TrainedGenerator) else generator
    device = next(network.parameters()).device
    batches = generated(network.eval(), network.config.latent_dim, count, seed, BATCH, device)
    return torch.cat(list(batches)).permute(0, 2, 3, 1).numpy()


def _genotype(
    source: Genotype | str | Path, network: Literal["generator", "discriminator"] = "generator"
) -> Genotype:
    return source if isinstance(source, Genotype) else load_genotype(source, network)


def _checked(model: type[T], **sizes: int) -> T:
    try:
        return model(**sizes)
    except ValidationError as error:
        details = error.errors(include_url=False)
        lines = (": ".join([*map(str, each["loc"]), each["msg"]]) for each in details)
        raise UserError("; ".join(lines)) from None
