"""The figures of a measurement, from which its table, its drawing and its advice are made."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float64

from orchestrator.config.reliability import FEWEST_GENOTYPES
from orchestrator.yardstick.statistics import (
    Estimate,
    early_correlations,
    intraclass_correlation,
    noise_variance,
    seed_correlation,
    smallest_factor,
)
from search_space.errors import UserError
from search_space.frozen import Frozen

SEEDS = (1, 2, 3, 5, 10)
"""Numbers of seeds for which the smallest visible difference is given."""
QUOTED = 3
"""The number of seeds that the sentence speaks of."""
SHARE = 0.5
"""A step may be a rung where its correlation with another seed's end is at least that share of the end's."""
NEAR = 0.1
"""A step tells as much as the end where its correlation with another seed's end is this near to the end's."""


class ReliabilityError(UserError):
    """Trainings that say nothing about the recipe."""


class Measured(Frozen):
    """The reliability of a recipe. Deviation and factors are of the score's logarithm."""

    metric: str
    genotypes: int
    """Number of genotypes that were trained."""
    complete: int
    """Genotypes with finite scores at all steps and seeds: all statistics but `collapsed` use only these."""
    seeds: int
    collapsed: float
    """Share of the runs that diverged or ended far worse than the median run."""
    correlation: Estimate
    """Spearman's correlation between two seeds."""
    intraclass: Estimate
    """Share of a single score's variance that is the genotype's."""
    deviation: float
    """The deviation over seeds, pooled over genotypes."""
    degrees: int
    """Degrees of freedom of the deviation."""
    factors: dict[int, float]
    """Seeds -> ratio of two scores that so many seeds of each show with 80 % power."""
    steps: tuple[int, ...]
    other_seed: tuple[float, ...]
    """The correlation of each step's scores with the end of another seed."""
    same_seed: tuple[float, ...]
    """The correlation of each step's scores with the run's own end: optimistic."""
    medians: tuple[float, ...]
    """Median of the score at each step."""

    lower_is_better: bool

    @property
    def best_step(self) -> int:
        """The step at which the median was best."""
        order = min if self.lower_is_better else max
        return order(zip(self.medians, self.steps, strict=True))[1]

    def worse_than(self, step: int) -> float:
        """The difference of the median at the end and at a step, in logarithms: near a percentage."""
        change = math.log(self.medians[-1] / self.medians[self.steps.index(step)])
        return change if self.lower_is_better else -change

    @property
    def sentence(self) -> str:
        """The main result in one sentence."""
        return self.sentence_for(QUOTED)

    def sentence_for(self, seeds: int) -> str:
        """A sentence about what that many runs of each genotype cannot show."""
        factor = smallest_factor(self.deviation, self.degrees, seeds)
        runs = "1 seed" if seeds == 1 else f"{seeds} seeds"
        return (
            f"with this recipe and {runs}, differences under a factor of {factor:.2f} in {self.metric} "
            "cannot be seen"
        )

    @property
    def first_rung(self) -> int | None:
        """The first step that ranks another seed's end at least half as well as the end does.

        None where nothing speaks against earlier rungs: the first step looked at does already, or even the
        ends of two seeds may agree by chance.
        """
        if self.correlation.low <= 0:
            return None
        pairs = zip(self.steps, self.other_seed, strict=True)
        first = next(step for step, value in pairs if value >= SHARE * self.other_seed[-1])
        return None if first == self.steps[0] else first

    @property
    def telling_step(self) -> int:
        """The first step from which all steps rank another seed's end about as well as the end does."""
        least = self.other_seed[-1] - NEAR
        early = [step for step, value in zip(self.steps, self.other_seed, strict=True) if value < least]
        return next(step for step in self.steps if not early or step > early[-1])


def measure(
    scores: Float64[np.ndarray, "G K T"], steps: Sequence[int], metric: str, lower_is_better: bool,
    collapse_multiple: float,
) -> Measured:  # fmt: skip
    """The reliability of a recipe whose runs scored so; NaN where a run had no finite score.

    Raises:
        ReliabilityError: too few genotypes have scores, or scores have no logarithms.
    """
    genotypes, seeds, _ = scores.shape
    whole = np.isfinite(scores).all(axis=(1, 2))
    kept = scores[whole]
    if len(kept) < FEWEST_GENOTYPES:
        raise ReliabilityError(
            f"reliability: {len(kept)} of {genotypes} genotypes have finite scores with all {seeds} seeds, "
            f"at least {FEWEST_GENOTYPES} must; lower the learning rates of retrain, or give more genotypes"
        )
    if (kept <= 0).any():
        raise ReliabilityError(
            f"reliability.metric = {metric}: has scores of zero or below, of which there is no ratio; use fd"
        )
    logs = np.log(kept)
    degrees, deviation = len(kept) * (seeds - 1), math.sqrt(noise_variance(logs[:, :, -1]))
    other, same = early_correlations(logs)
    return Measured(
        metric=metric,
        genotypes=genotypes,
        complete=len(kept),
        seeds=seeds,
        collapsed=float(_collapsed(scores[:, :, -1], lower_is_better, collapse_multiple).mean()),
        correlation=seed_correlation(logs[:, :, -1]),
        intraclass=intraclass_correlation(logs[:, :, -1]),
        deviation=deviation,
        degrees=degrees,
        factors={count: smallest_factor(deviation, degrees, count) for count in SEEDS},
        steps=tuple(steps),
        other_seed=tuple(other.tolist()),
        same_seed=tuple(same.tolist()),
        medians=tuple(np.median(kept, axis=(0, 1)).tolist()),
        lower_is_better=lower_is_better,
    )


def _collapsed(
    ends: Float64[np.ndarray, "G K"], lower_is_better: bool, multiple: float
) -> Bool[np.ndarray, "G K"]:
    """Runs without a finite score at the end, or that many times worse than the median run."""
    median = np.nanmedian(ends)
    worse = ends > multiple * median if lower_is_better else ends < median / multiple
    return worse | ~np.isfinite(ends)
