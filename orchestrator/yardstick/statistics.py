"""Statistics of repeated trainings: pure functions of arrays of logarithms of scores.

Shapes: G genotypes, K seeds, T steps at which all runs were scored. scipy is imported where it is used: its
statistics take half a second.
"""

import math
from collections.abc import Sequence
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

RISK = 0.05
"""Risk that an interval misses the truth, and that a difference is claimed where there is none."""
POWER = 0.8
"""Probability with which a difference of the smallest visible size is seen."""


class Estimate(NamedTuple):
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


def seed_correlation(ends: Float64[np.ndarray, "G K"]) -> Estimate:
    """Spearman's correlation between two seeds, the mean over all pairs of them.

    The interval is Fisher's, with the standard error of Bonett and Wright (2000) for ranks. It is that of one
    pair: with more than two seeds it covers more often than it says.
    """
    value = _mean_rank([(ends[:, a], ends[:, b]) for a, b in combinations(range(ends.shape[1]), 2)])
    return _of_ranks(value, (1 + value**2 / 2) / (len(ends) - 3))


def rank_correlations(
    one: Float64[np.ndarray, " G"], other: Float64[np.ndarray, " G"]
) -> tuple[Estimate, Estimate]:
    """Spearman's and Kendall's (tau-b) correlation of two scores; 0 where one side is constant.

    Intervals are Fisher's, with the errors of Bonett and Wright (2000) and of Fieller, Hartley and Pearson
    (1957); they need at least five genotypes.
    """
    from scipy.stats import kendalltau

    spearman = _mean_rank([(one, other)])
    kendall = 0.0 if np.ptp(one) == 0 or np.ptp(other) == 0 else float(kendalltau(one, other).statistic)
    count = len(one)
    return (
        _of_ranks(spearman, (1 + spearman**2 / 2) / (count - 3)),
        _of_ranks(kendall, 0.437 / (count - 4)),
    )


def _of_ranks(value: float, variance: float) -> Estimate:
    """With Fisher's interval, whose transformed value has that variance."""
    centre = math.atanh(min(max(value, -1 + 1e-12), 1 - 1e-12))
    reach = _normal_quantile(1 - RISK / 2) * math.sqrt(variance)
    return Estimate(value, math.tanh(centre - reach), math.tanh(centre + reach))


def intraclass_correlation(ends: Float64[np.ndarray, "G K"]) -> Estimate:
    """ICC(1), one-way random effects: the share of the variance of one score that is the genotype's.

    The interval is the exact one of Shrout and Fleiss (1979), from quantiles of F.
    """
    from scipy.stats import f

    genotypes, seeds = ends.shape
    within = noise_variance(ends)
    between = seeds * float(ends.mean(axis=1).var(ddof=1))
    if within == 0:
        return Estimate(1.0, 1.0, 1.0) if between else Estimate(0.0, 0.0, 0.0)
    ratio, degrees = between / within, (genotypes - 1, genotypes * (seeds - 1))
    low = ratio / float(f.ppf(1 - RISK / 2, *degrees))
    high = ratio * float(f.ppf(1 - RISK / 2, *degrees[::-1]))
    return Estimate(*((each - 1) / (each + seeds - 1) for each in (ratio, low, high)))


def noise_variance(ends: Float64[np.ndarray, "G K"]) -> float:
    """Variance over seeds, pooled over genotypes."""
    return float(ends.var(axis=1, ddof=1).mean())


def early_correlations(
    curves: Float64[np.ndarray, "G K T"],
) -> tuple[Float64[np.ndarray, " T"], Float64[np.ndarray, " T"]]:
    """The correlation of each step with the end of another seed, and with the end of the same run.

    The second is optimistic: it counts the luck that a run keeps. Spearman's correlations, means over (pairs
    of) seeds.
    """
    seeds, ends = range(curves.shape[1]), curves[:, :, -1]
    other, same = [], []
    for step in range(curves.shape[2]):
        now = curves[:, :, step]
        other.append(_mean_rank([(now[:, a], ends[:, b]) for a, b in permutations(seeds, 2)]))
        same.append(_mean_rank([(now[:, a], ends[:, a]) for a in seeds]))
    return np.array(other), np.array(same)


def smallest_factor(deviation: float, degrees: int, seeds: int) -> float:
    """The ratio of two scores that `seeds` runs of each show with 80 % power, at a risk of 5 %.

    A two-sided t-test of two mean logarithms, whose noise is the `deviation` known with so many `degrees` of
    freedom: that pooled over all genotypes of the measurement, as `advnas select` pools it over candidates.
    Pooled noise is why even a single run of each has a smallest difference.
    """
    return math.exp(detectable_effect(degrees) * deviation * math.sqrt(2 / seeds))


def detectable_effect(degrees: int) -> float:
    """The noncentrality at which a two-sided t-test has 80 % power: a difference in standard errors.

    To see it is to find it in the right direction.
    """
    from scipy.optimize import brentq
    from scipy.stats import nct, t

    bound = float(t.ppf(1 - RISK / 2, degrees))

    def lacking(effect: float) -> float:
        return POWER - float(nct.sf(bound, degrees, effect))

    return float(brentq(lacking, 0.0, 2 * bound + 5))


def seeds_for(reliability: float, wanted: float) -> int | None:
    """Seeds whose mean is as reliable as wanted (Spearman and Brown); None where one seed has no signal."""
    if reliability <= 0:
        return None
    if reliability >= 1:
        return 1
    exact = wanted / (1 - wanted) * (1 - reliability) / reliability
    return max(1, math.ceil(exact - 1e-9))


def _mean_rank(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """Mean of Spearman's correlations; 0 for a pair of which one side is constant, as it ranks nothing."""
    from scipy.stats import spearmanr

    values = [
        0.0 if np.ptp(one) == 0 or np.ptp(other) == 0 else float(spearmanr(one, other).statistic)
        for one, other in pairs
    ]
    return float(np.mean(values))


def _normal_quantile(share: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(share))
