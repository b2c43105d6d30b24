"""What a sweep wants: one number per metric, from the runs of a configuration with several seeds."""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Literal

from pydantic import Field, NonNegativeFloat

from search_space.frozen import Frozen
from trainers.metrics.config import EvaluationConfig

PARAMETERS, MULTIPLY_ADDS, LATENCY = "parameters", "multiply_adds", "latency"
COSTS = (PARAMETERS, MULTIPLY_ADDS, LATENCY)
"""Of the derived generator at the widths of its retraining, for one image: see `search_space.cost`.
Latency is in seconds on the trial's processor, which other trials there disturb; multiply_adds is exact."""


class Objective(Frozen):
    """A score of the retrained network, or what the network costs."""

    metric: str = Field(min_length=1)
    goal: Literal["minimize", "maximize"]
    deviations: NonNegativeFloat = 0.0
    """Standard deviations over the seeds by which the mean is made worse; 0 is the mean alone."""

    def value(self, scores: Sequence[float]) -> float:
        """What the sampler is told of one configuration: scores of its seeds."""
        penalty = self.deviations * deviation(scores)
        return fmean(scores) + (penalty if self.goal == "minimize" else -penalty)


def deviation(scores: Sequence[float]) -> float:
    """Standard deviation of the population that the seeds are drawn from; 0 of a single one."""
    return stdev(scores) if len(scores) > 1 else 0.0


def values(objectives: Sequence[Objective], runs: Sequence[Mapping[str, float]]) -> list[float]:
    """One number per objective, from the scores of every seed."""
    return [each.value([run[each.metric] for run in runs]) for each in objectives]


def known_metrics(evaluation: EvaluationConfig) -> tuple[str, ...]:
    """What an objective may be, with such an evaluation of the retraining."""
    from trainers.metrics.specs import score_names

    return (*score_names(evaluation), *COSTS)
