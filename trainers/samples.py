"""Images out of a generator: the ones people look at.

Shapes: N images, Z latent size, C channels, S image size.
"""

from collections.abc import Callable

import torch
from jaxtyping import UInt8
from torch import Tensor

from search_space.pixels import to_uint8
from trainers.seeding import generator_for

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
