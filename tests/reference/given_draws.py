"""Random inputs of a search step that are given, not drawn."""

from collections.abc import Callable, Mapping

from torch import Tensor

from search_space.architecture import Architecture, EdgeWeights
from trainers.guarded_step import Phase

Noise = Callable[[str, int, str], tuple[Tensor, Tensor]]
"""Gumbel noise by phase, forward (from 0) and network."""


class GivenDraws:
    """Latents by phase, and noise."""

    def __init__(self, latents: Mapping[Phase, Tensor], noise: Noise) -> None:
        self._latents, self._noise = latents, noise

    def latents(self, phase: Phase, count: int) -> Tensor:
        """The given latents, of which there must be `count`."""
        assert len(self._latents[phase]) == count
        return self._latents[phase]

    def noise(self, phase: Phase, forward: int, architecture: Architecture) -> EdgeWeights:
        """The given noise."""
        return EdgeWeights(
            zip(("normal", "resample"), self._noise(phase, forward, architecture.network), strict=True)
        )


def no_noise(phase: str, forward: int, network: str) -> tuple[Tensor, Tensor]:
    """For steps that must not ask for any."""
    raise AssertionError(f"noise asked for: {phase}, {forward}, {network}")
