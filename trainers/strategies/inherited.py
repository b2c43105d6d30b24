"""Networks that inherit their weights from a supernet, and their scores."""

import math
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from search_space.genotype import Genotype
from search_space.networks.generator import GhostBatchNorm2d, ImageGenerator, derived_generator
from search_space.networks.paths import inherit
from trainers.distributed import average
from trainers.noise import generator_for
from trainers.samples import SampleGenerator

Score = Callable[[SampleGenerator], Mapping[str, float]]
"""Scores of a generator, the one that decides first. Called by all workers, who get the same."""

CALIBRATION_BATCH = 100


def inherited(supernet: ImageGenerator, genotype: Genotype, latents: Float[Tensor, "n z"]) -> ImageGenerator:
    """The derived network with its path's weights and the BatchNorm statistics of these latents."""
    with torch.random.fork_rng(devices=[]):
        network = derived_generator(supernet.config, genotype).to(latents.device).requires_grad_(False)
    inherit(network, supernet)
    recalibrate(network, latents)
    return network.eval()


@torch.no_grad()
def recalibrate(
    network: ImageGenerator, latents: Float[Tensor, "n z"], forward: SampleGenerator | None = None
) -> None:
    """Take BatchNorm's running statistics of some latents' maps: the mean over batches of them.

    `forward` is how the network makes images, where latents alone are not enough. Every worker does it all.
    """
    norms = [module for module in network.modules() if isinstance(module, GhostBatchNorm2d)]
    before = [(norm.momentum, norm.shares) for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum, norm.shares = None, 1  # type: ignore[assignment]
    network.train()
    for batch in latents.split(CALIBRATION_BATCH):
        (forward or network)(batch)
    for norm, (momentum, shares) in zip(norms, before, strict=True):
        norm.momentum, norm.shares = momentum, shares


def calibration_latents(count: int, latent_dim: int, seed: int, device: torch.device) -> Tensor:
    """The same for all paths of a search."""
    generator = generator_for(torch.device("cpu"), seed, "calibration latents")
    return torch.randn(count, latent_dim, generator=generator).to(device)


def log_score(score: Score, sample: SampleGenerator) -> float:
    """The logarithm of the deciding score, the lower the better; NaN where images are not finite."""
    from trainers.metrics.specs import lower_is_better

    watched = FiniteImages(sample)
    scores = score(watched)
    broken = [] if watched.broken is None else [watched.broken]
    average(broken)  # some worker's share may be sound
    name, value = next(iter(scores.items()))
    if any(map(float, broken)) or not value > 0 or not math.isfinite(value):
        return math.nan
    return math.log(value) if lower_is_better(name) else -math.log(value)


class FiniteImages:
    """A generator whose values that are not finite become zeros, and are remembered."""

    def __init__(self, sample: SampleGenerator) -> None:
        self._sample = sample
        self.broken: Tensor | None = None

    @torch.no_grad()
    def __call__(self, latents: Tensor) -> Tensor:
        """Images that can be scored."""
        images = self._sample(latents)
        broken = (~images.isfinite()).any().float()
        self.broken = broken if self.broken is None else torch.maximum(self.broken, broken)
        return images.nan_to_num(0.0, 0.0, 0.0)
