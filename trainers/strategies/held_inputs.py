"""What changes from step to step, always in the same places.

A CUDA graph repeats the operations of a step on the addresses that they saw when it was captured, with the
numbers that Python handed them then. So everything new is copied into place before the step's operations.
"""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from search_space.architecture import Architecture, EdgeWeights
from trainers.guarded_step import Phase
from trainers.noise import NoiseSource


@dataclass(frozen=True)
class _Held:
    phase: Phase
    draw: Callable[[NoiseSource], Mapping[str, Tensor]]
    tensors: dict[str, Tensor]


class HeldInputs:
    """The NoiseSource of the current step, with its number, tau and images."""

    def __init__(self, tau: float, device: torch.device) -> None:
        self.step = torch.zeros((), dtype=torch.int64, device=device)
        # float64, so that dividing by it gives what dividing by the number gives, whatever the precision.
        self.tau = torch.full((), tau, dtype=torch.float64, device=device)
        self._source: NoiseSource | None = None
        self._held: dict[Hashable, _Held] = {}
        self._images: tuple[Tensor, ...] = ()

    def begin(
        self, step: int, tau: float, images: tuple[Tensor, ...], source: NoiseSource, due: Collection[Phase]
    ) -> tuple[Tensor, ...]:
        """Renew what the due phases use, and the images, which it returns where they are from now on."""
        self.step.fill_(step)
        self.tau.fill_(tau)
        self._source = source
        for held in self._held.values():
            if held.phase in due:
                for name, value in held.draw(source).items():
                    held.tensors[name].copy_(value)
        if [image.shape for image in images] != [image.shape for image in self._images]:
            self._images = tuple(image.clone() for image in images)
        for place, image in zip(self._images, images, strict=True):
            place.copy_(image)
        return self._images

    def latents(self, phase: Phase, count: int) -> Tensor:
        """This worker's share of `count` latents."""
        return self._drawn(phase, ("latents", count), lambda source: {"z": source.latents(phase, count)})["z"]

    def noise(self, phase: Phase, forward: int, architecture: Architecture) -> EdgeWeights:
        """Gumbel noise for the given forward of an update."""
        key = ("noise", forward, architecture.network)
        return EdgeWeights(self._drawn(phase, key, lambda source: source.noise(phase, forward, architecture)))

    def _drawn(
        self, phase: Phase, key: Hashable, draw: Callable[[NoiseSource], Mapping[str, Tensor]]
    ) -> Mapping[str, Tensor]:
        """What is asked for the first time is drawn now, and before each of the next steps."""
        assert self._source is not None, "`begin` comes first"
        if (phase, key) not in self._held:
            tensors = {name: value.clone() for name, value in draw(self._source).items()}
            self._held[phase, key] = _Held(phase, draw, tensors)
        return self._held[phase, key].tensors
