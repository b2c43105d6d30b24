"""The reports that a training loop yields to its caller."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import UInt8
from torch import Tensor

from search_space.genotype import Genotype
from search_space.relaxation import EdgeProbabilities
from trainers.distributed import average
from trainers.samples import SampleGenerator

Evaluate = Callable[[int, SampleGenerator], Mapping[str, float]]
"""Scores a generator at a step; empty at steps that are not evaluated. Called by all workers."""


@dataclass(frozen=True)
class Report:
    """State of a run after `step` discriminator steps; metrics are means since the report before."""

    step: int
    metrics: Mapping[str, float]
    genotypes: Mapping[str, Genotype] = field(default_factory=dict)
    """What would be derived now, by network; empty in retraining."""
    probabilities: Mapping[str, EdgeProbabilities] = field(default_factory=dict)
    """How much each operation of each edge is preferred now, by network; empty in retraining."""
    samples: UInt8[Tensor, "n c h w"] | None = None
    """Images of the EMA generator from latents that stay the same over the run."""
    others: Sequence[Genotype] = ()
    """Generators beside the derived one, best first, among which a selection may choose too."""


class MetricMeans:
    """Means over steps and workers; a metric that some steps lack is averaged over those that have it."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Take in one step's scalars without waiting for the device."""
        for name, value in values.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1

    def collect(self) -> dict[str, float]:
        """The means since the last call, which every worker makes at the same step."""
        if not self._sums:
            return {}
        stacked = torch.stack([self._sums[name] / self._counts[name] for name in self._sums])
        average([stacked])
        means = dict(zip(self._sums, stacked.tolist(), strict=True))
        self._sums, self._counts = {}, {}
        return means
