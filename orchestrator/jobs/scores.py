"""Comparing scores: which one is better, and when two means differ, given the noise of seeds."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, stdev, variance
from typing import TypeVar

from search_space.frozen import Frozen

T = TypeVar("T")

OWN_RUNS = 5
"""Runs from which on a candidate's own deviation counts; with fewer, the one pooled over candidates does."""


class Noise(Frozen):
    """Deviation of scores over seeds, pooled over candidates."""

    deviation: float | None
    """None while no candidate has two scores."""
    degrees: int
    """Degrees of freedom: scores beyond the first of each candidate."""
    candidates: int
    """The number of candidates with two scores or more."""


@dataclass(frozen=True)
class Difference:
    """The difference of two mean scores."""

    size: float
    """How much better the first is."""
    error: float | None
    """Its standard error; None while the noise is unknown."""
    degrees: int

    @property
    def standard_errors(self) -> float | None:
        """Size in standard errors; None where the noise is unknown or zero."""
        return self.size / self.error if self.error else None

    def is_separated(self, separation: float) -> bool:
        """Whether the first is better beyond noise. Unknown noise tells nothing apart."""
        if self.error is None:
            return False
        return self.size > 0 and self.size >= required(separation, self.degrees) * self.error


def rank(score: float, lower_is_better: bool) -> float:
    """The score, or its negative where higher is better: the lowest rank is the best."""
    return score if lower_is_better else -score


def best_of(scored: Iterable[T], score: Callable[[T], float], lower_is_better: bool) -> T | None:
    """The one with the best score, the first of equals; None of none."""
    return min(scored, key=lambda each: rank(score(each), lower_is_better), default=None)


def pooled(groups: Iterable[Sequence[float]]) -> Noise:
    """Root of the mean variance within groups of scores, each weighed by its degrees of freedom."""
    repeated = [scores for scores in groups if len(scores) > 1]
    degrees = sum(len(scores) - 1 for scores in repeated)
    squares = math.fsum(variance(scores) * (len(scores) - 1) for scores in repeated)
    deviation = math.sqrt(squares / degrees) if degrees else None
    return Noise(deviation=deviation, degrees=degrees, candidates=len(repeated))


def deviation(scores: Sequence[float]) -> float | None:
    """The standard deviation over seeds; None for fewer than two scores."""
    return stdev(scores) if len(scores) > 1 else None


def difference(
    better: Sequence[float], worse: Sequence[float], noise: Noise, lower_is_better: bool
) -> Difference:
    """How much the first scores are better on average; neither may be empty."""
    size = fmean(worse) - fmean(better) if lower_is_better else fmean(better) - fmean(worse)
    spreads = [_spread(scores, noise) for scores in (better, worse)]
    degrees = min(degrees for _, degrees in spreads)
    if degrees == 0:
        return Difference(size, None, 0)
    variance = sum(
        spread**2 / len(scores) for (spread, _), scores in zip(spreads, (better, worse), strict=True)
    )
    return Difference(size, math.sqrt(variance), degrees)


@cache
def required(separation: float, degrees: int) -> float:
    """Standard errors that make a difference: as rare under Student's t as `separation` under a normal."""
    from scipy.special import ndtr, stdtrit  # scipy.stats has them too, and takes half a second to import

    return float(stdtrit(degrees, ndtr(separation)))


def _spread(scores: Sequence[float], noise: Noise) -> tuple[float, int]:
    """Deviation to be used for one candidate, with its degrees of freedom; (0, 0) where it is unknown."""
    if len(scores) >= OWN_RUNS:
        return deviation(scores) or 0.0, len(scores) - 1
    return noise.deviation or 0.0, noise.degrees
