"""Widths and shapes of networks, and the names of the ways to relax them. Imports no torch."""

from collections.abc import Mapping
from typing import Literal

from pydantic import PositiveInt, model_validator

from search_space.frozen import Frozen

Relaxation = Literal["softmax", "gumbel", "gumbel_of_probabilities", "hard"]
"""`gumbel_of_probabilities` is the released quirk: noise is added to softmax(alpha), not to alpha, so that no
operation of seven is ever preferred with a probability over 0.31."""


GENERATOR_CELLS = 3
"""Each doubles the size of its input. All published spaces of generators have three."""


AUTOGAN_SKIPS: Mapping[str, tuple[int, ...]] = {"none": (), "cell_1": (0,), "cell_2": (1,), "both": (1, 0)}
"""Choice of AutoGAN's gene `skips` -> the earlier cells that are added, counted from 0, the nearest first."""


class GeneratorConfig(Frozen):
    """Width and shape of a generator; images are 8 x bottom_width wide."""

    channels: PositiveInt
    """Channels of every cell: 160 in the released search, 256 (CIFAR-10) or 270 (STL-10) when retrained."""
    latent_dim: PositiveInt = 120
    """Length of the latent vector z."""
    latent_parts: PositiveInt = 3
    """Number of parts that z is cut into: one for the input, one for each injection between cells (STL-10:
    2)."""
    bottom_width: PositiveInt = 4
    """Height and width of the input of the first cell; images are 8 times as wide. `auto`: an eighth of
    `data.image_size`."""
    image_channels: PositiveInt = 3
    """Channels of the images: those of `data`, which `auto` takes."""

    @model_validator(mode="after")
    def _parts_are_equal(self) -> "GeneratorConfig":
        if self.latent_parts > GENERATOR_CELLS:
            raise ValueError("latent_parts: there are 3 cells to feed; use 1 to 3")
        if self.latent_dim % self.latent_parts:
            raise ValueError(f"latent_dim: cannot be cut into {self.latent_parts} equal latent_parts")
        return self

    @property
    def image_size(self) -> int:
        """Height and width of the images, in pixels."""
        return self.bottom_width * 2**GENERATOR_CELLS


class DiscriminatorConfig(Frozen):
    """Width of a discriminator; it takes images of any even size from 16 on."""

    channels: PositiveInt
    """Channels of every cell: 80 in the released search, 128 when retrained."""
    image_channels: PositiveInt = 3
    """Channels of the images: those of `data`, which `auto` takes."""


NetworkConfig = GeneratorConfig | DiscriminatorConfig
