"""What a training loop tells its caller, who decides what becomes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from jaxtyping import UInt8
from torch import Tensor

from search_space.genotype import Genotype
from search_space.relaxation import EdgeProbabilities
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
