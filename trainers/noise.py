"""Random numbers: all of a run come from (seed, stream, step), so that a checkpoint needs no generator state.

Latents of a step are drawn for the global batch and sliced by rank, so that results do not depend on how many
workers share it; Gumbel noise is the same on all workers, which thereby train the same sampled network.
"""

import zlib
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from search_space.architecture import Architecture, EdgeWeights
from search_space.relaxation import gumbel_noise
from trainers.distributed import rank, world_size
from trainers.guarded_step import Phase


def seed_for(seed: int, stream: str, *index: int) -> int:
    """A 63-bit seed of its own for each stream of random numbers and each index within it."""
    words = np.random.SeedSequence([seed, zlib.crc32(stream.encode()), *index]).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))


def generator_for(device: torch.device, seed: int, stream: str, *index: int) -> torch.Generator:
    """A generator on the device, so that drawing there needs no copy and no synchronisation."""
    generator = torch.Generator(device=device)
    generator.manual_seed(seed_for(seed, stream, *index))
    return generator


class NoiseSource(Protocol):
    """Where an update gets its random inputs from."""

    def latents(self, phase: Phase, count: int) -> Float[Tensor, "n z"]:
        """This worker's share of `count` latents."""

    def noise(self, phase: Phase, forward: int, architecture: Architecture) -> EdgeWeights:
        """Gumbel noise for the given forward (counted from 0) of an update."""


class SeededNoise:
    """NoiseSource made from seed and step."""

    def __init__(self, seed: int, step: int, latent_dim: int, device: torch.device) -> None:
        self._seed, self._step, self._latent_dim, self._device = seed, step, latent_dim, device

    def latents(self, phase: Phase, count: int) -> Float[Tensor, "n z"]:
        """Standard normal latents."""
        generator = generator_for(self._device, self._seed, f"latents {phase}", self._step)
        latents = torch.randn(count, self._latent_dim, generator=generator, device=self._device)
        return latents.chunk(world_size())[rank()]

    def noise(self, phase: Phase, forward: int, architecture: Architecture) -> EdgeWeights:
        """Standard Gumbel noise."""
        stream = f"gumbel {phase} {architecture.network}"
        return gumbel_noise(
            architecture, generator_for(self._device, self._seed, stream, self._step, forward)
        )
