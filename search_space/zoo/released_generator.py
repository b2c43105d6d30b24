"""A released generator as one of ours: its widths are read off its parameters, its genotype must be given."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from search_space.genotype import Genotype
from search_space.networks.config import GENERATOR_CELLS, GeneratorConfig
from search_space.networks.generator import Generator
from search_space.zoo.interop import (
    CheckpointError,
    canonical,
    load_released,
    read_released_generator,
    released_parameters,
)


class ReleasedGenerator(NamedTuple):
    """A generator of a released checkpoint."""

    generator: Generator
    """The generator, in evaluation mode."""
    weights: str
    """`ema`: the moving average; `raw`: the trained weights; `unlabelled`: the file does not say."""


def load_released_generator(path: Path, genotype: Genotype) -> ReleasedGenerator:
    """The generator of a released `.pth` checkpoint.

    Raises:
        CheckpointError: not a released generator's checkpoint, or one of another genotype.
    """
    state, weights = read_released_generator(path)
    try:
        generator = Generator(released_config(state), genotype)
        load_released(generator, state)
        _require_nothing_else(generator, state)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    return ReleasedGenerator(generator.eval(), weights)


def released_config(state: Mapping[str, Tensor]) -> GeneratorConfig:
    """The widths of a released generator, which its parameters' shapes decide.

    Raises:
        CheckpointError: these are not the parameters of a generator.
    """
    shapes = {canonical(name): value.shape for name, value in state.items()}
    try:
        rows, latent_part = shapes["l1.weight"]
        image_channels, channels, *_ = shapes["to_rgb.2.weight"]
        parts = sum(f"l{number}.weight" in shapes for number in range(1, GENERATOR_CELLS + 1))
        return GeneratorConfig(
            channels=channels,
            latent_dim=parts * latent_part,
            latent_parts=parts,
            bottom_width=math.isqrt(rows // channels),
            image_channels=image_channels,
        )
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise CheckpointError("holds no generator of the released code (l1, to_rgb.2)") from error


def _require_nothing_else(generator: Generator, state: Mapping[str, Tensor]) -> None:
    """A convolution that the genotype does not have would otherwise be left out silently."""
    known = {canonical(name) for name, _ in released_parameters(generator)}
    if extra := sorted({canonical(name) for name in state} - known):
        raise CheckpointError(f"holds {extra[0]}, which the genotype does not have: is it of another one?")
