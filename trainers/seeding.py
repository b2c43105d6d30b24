"""Every random number of a run comes from (seed, stream, step): a checkpoint needs no generator state."""

import zlib

import numpy as np
import torch


def seed_for(seed: int, stream: str, *index: int) -> int:
    """A 63-bit seed of its own for each stream of random numbers and each index within it."""
    words = np.random.SeedSequence([seed, zlib.crc32(stream.encode()), *index]).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))


def generator_for(device: torch.device, seed: int, stream: str, *index: int) -> torch.Generator:
    """A generator on the device, so that drawing there needs no copy and no synchronisation."""
    generator = torch.Generator(device=device)
    generator.manual_seed(seed_for(seed, stream, *index))
    return generator
