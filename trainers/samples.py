"""Images out of a generator: the ones people look at.

Shapes: N images, Z latent size, C channels, S image size.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from trainers.seeding import generator_for

SampleGenerator = Callable[[Tensor], Tensor]
"""From latents [N, Z] to images [N, C, S, S] in [-1, 1]."""

GRID_IMAGES = 64


def to_uint8(images: Float[Tensor, "n c s s"]) -> UInt8[Tensor, "n c s s"]:
    """From [-1, 1] to 0..255, truncated as published scores are (x 127.5 + 127.5)."""
    return (images * 127.5 + 127.5).clamp(0, 255).to(torch.uint8)


@torch.no_grad()
def sample_grid(
    sample: SampleGenerator, latent_dim: int, seed: int, device: torch.device
) -> UInt8[Tensor, "n c s s"]:
    """Images from latents that depend on the seed alone, so that grids of different steps can be compared."""
    generator = generator_for(device, seed, "grid latents")
    latents = torch.randn(GRID_IMAGES, latent_dim, generator=generator, device=device)
    return to_uint8(sample(latents).float()).cpu()
