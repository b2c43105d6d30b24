"""Sampling images from a generator.

Shapes: N images, Z latent size, C channels, S image size.
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from search_space.errors import UserError
from search_space.networks.generator import to_uint8
from trainers.noise import generator_for

SampleGenerator = Callable[[Tensor], Tensor]
"""From latents [N, Z] to images [N, C, S, S] in [-1, 1]."""

GRID_IMAGES = 64


@torch.no_grad()
def sample_grid(
    sample: SampleGenerator, latent_dim: int, seed: int, device: torch.device
) -> UInt8[Tensor, "n c s s"]:
    """Images from latents that depend on the seed alone, so that grids of different steps can be compared."""
    generator = generator_for(device, seed, "grid latents")
    latents = torch.randn(GRID_IMAGES, latent_dim, generator=generator, device=device)
    return to_uint8(sample(latents).float()).cpu()


class GeneratorError(UserError):
    """A generator that makes no images."""


def generated(
    sample: SampleGenerator, latent_dim: int, count: int, seed: int, batch_size: int, device: torch.device
) -> Iterator[UInt8[Tensor, "n c s s"]]:
    """Images 0 to count - 1 in batches, on the processor; `sample` has to be in evaluation mode.

    Raises:
        GeneratorError: what it makes is not finite.
    """
    for start in range(0, count, batch_size):
        numbers = range(start, min(start + batch_size, count))
        latents = torch.stack([latent(seed, number, latent_dim) for number in numbers])
        yield pixels_of(sample, latents.to(device))


@torch.no_grad()
def pixels_of(sample: SampleGenerator, latents: Float[Tensor, "n z"]) -> UInt8[Tensor, "n c s s"]:
    """Images of these latents, on the processor.

    Raises:
        GeneratorError: what it makes is not finite.
    """
    images = sample(latents).float()
    if not images.isfinite().all():
        raise GeneratorError("the generator makes values that are not finite: its training has diverged")
    return to_uint8(images).cpu()


def latent(seed: int, number: int, latent_dim: int) -> Float[Tensor, " z"]:
    """Standard normal, drawn on the processor: the same for every device."""
    generator = generator_for(torch.device("cpu"), seed, "generated images", number)
    return torch.randn(latent_dim, generator=generator)
