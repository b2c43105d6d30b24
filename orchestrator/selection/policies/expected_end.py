"""What candidates would end with: scores extrapolated from rung to rung, a Gaussian process over genotypes.

Shapes: n candidates with a score, r rungs, f features of a genotype.
"""

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float64

from orchestrator.artifacts.genotype_ids import is_a_name

HOPE = 1.5
"""Deviations that the best hope is below the mean: 1.5 left less regret than 0 to 1 on simulated pools."""
PRIOR_PAIRS = 3.0
"""Weight of the guess below, in candidates, until enough have gone from one rung to the next."""
PRIOR_SLOPE = 0.7
"""Slope of a score on the score one rung before, relative to the mean: the best were partly lucky."""
PRIOR_UNEXPLAINED = 0.4
"""Share of the variance that a rung does not know of the next."""
MOST_DOUBT = 0.98
"""Share of the variance of the ends that a candidate's score leaves unknown, at most."""
ALIKE, LENGTHS = (0.15, 0.3, 0.5, 0.7), (0.5, 1.0, 2.0)
"""Shares of the variance that alike genotypes may have in common, and what alike may mean: about 1 apart."""
MAD_OF_NORMAL = 1.4826
"""The deviation of normal values whose median absolute deviation is 1."""
OUTLIER = 4.0
"""Scores worse than the median by more robust deviations than this count as no worse: they have collapsed."""
RELEARN = 1.5
"""The kernel is learnt again whenever the number of known scores has grown by this factor."""


@dataclass(frozen=True)
class Link:
    """A line from the scores at one rung to those at the next."""

    centre: float
    level: float
    """The expected score if the earlier score is `centre`."""
    slope: float
    variance: float


class ExpectedEnd:
    """Means and deviations of the scores at the last rung, on a logarithmic scale where all are positive."""

    def __init__(self, genotypes: Sequence[str]) -> None:
        self._place = {genotype: index for index, genotype in enumerate(genotypes)}
        self._features = features_of(genotypes)
        self._covariance = np.zeros((0, 0))
        self._learnt_from = 0

    def lowest(self, rungs: Sequence[Mapping[str, float]], lost: Collection[str] = ()) -> Mapping[str, float]:
        """Mean - 1.5 deviations of everyone with a score, by genotype; `rungs` are scores by genotype.

        The scores of those `lost` since tell how rungs go together, but nothing of where they end.
        """
        logarithmic = all(score > 0 for scores in rungs for score in scores.values())
        if logarithmic:
            rungs = [{each: math.log(score) for each, score in scores.items()} for scores in rungs]
        means, variances = extrapolated([_without_outliers(scores) for scores in rungs])
        genotypes = [each for each in means if each not in lost]
        mean, deviation = self._posterior(
            np.array([self._place[each] for each in genotypes]),
            np.array([means[each] for each in genotypes]),
            np.array([variances[each] for each in genotypes]),
            sum(map(len, rungs)),
        )
        return dict(zip(genotypes, (mean - HOPE * deviation).tolist(), strict=True))

    def _posterior(
        self,
        index: np.ndarray,
        targets: Float64[np.ndarray, " n"],
        variances: Float64[np.ndarray, " n"],
        known: int,
    ) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
        standard, noise = as_observations(targets, variances)
        if known >= RELEARN * self._learnt_from:
            self._covariance, self._learnt_from = self._learn(index, standard, noise), known
        prior = self._covariance[np.ix_(index, index)]
        # The whole covariance is known: only this solution changes from score to score.
        gain = np.linalg.solve(prior + np.diag(noise), prior).T
        variance = np.diag(prior) - np.einsum("ij,ji->i", gain, prior)
        return gain @ standard, np.sqrt(np.maximum(variance, 0.0))

    def _learn(
        self, index: np.ndarray, targets: Float64[np.ndarray, " n"], noise: Float64[np.ndarray, " n"]
    ) -> Float64[np.ndarray, "g g"]:
        """The covariance of all genotypes by the kernel that explains the targets best."""
        from sklearn.gaussian_process import GaussianProcessRegressor

        fits = [
            GaussianProcessRegressor(kernel=kernel, alpha=noise, optimizer=None).fit(
                self._features[index], targets
            )
            for kernel in _kernels()
        ]
        best = max(fits, key=lambda fit: float(fit.log_marginal_likelihood_value_))
        return np.asarray(best.kernel_(self._features))


def _kernels() -> Iterator[Any]:
    """Alike genotypes end alike, by a share of the variance; what a run has of its own, nobody else shares.

    The variance is known to be 1: learnt from few doubtful scores it would vanish, and with it all doubt.
    """
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel

    own = RBF(1e-3, "fixed")
    yield own
    for share in ALIKE:
        for length in LENGTHS:
            yield (
                ConstantKernel(share, "fixed") * RBF(length, "fixed")
                + ConstantKernel(1 - share, "fixed") * own
            )


def as_observations(
    expected: Float64[np.ndarray, " n"], doubt: Float64[np.ndarray, " n"]
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """What a Gaussian process has to see to expect this, where candidates tell nothing of each other.

    An expectation is the truth less what is unknown of it; an observation is the truth and noise. Seen as it
    is, an expectation would be drawn to the mean twice, and early scores would seem to tell all there is.
    Ends have a variance of 1 and a mean of 0 then.
    """
    everyone = float(expected.var() + doubt.mean()) or 1.0
    doubt = np.minimum(doubt / everyone, MOST_DOUBT)
    standard = (expected - expected.mean()) / math.sqrt(everyone)
    return standard / (1 - doubt), doubt / (1 - doubt) + 1e-6


def features_of(genotypes: Sequence[str]) -> Float64[np.ndarray, "g f"]:
    """One-hot edges and how often each index appears, so scaled that two genotypes are about 1 apart.

    Names are all equally far from each other: they say nothing of likeness.
    """
    rows = [
        [(genotype,)] if is_a_name(genotype) else [tuple(map(str, row)) for row in json.loads(genotype)]
        for genotype in genotypes
    ]
    edges = [[(i, j, index) for i, row in enumerate(each) for j, index in enumerate(row)] for each in rows]
    hot = sorted({edge for each in edges for edge in each})
    kinds = sorted({index for *_, index in hot})
    one_hot = np.array([[edge in set(each) for edge in hot] for each in edges], dtype=float)
    counts = np.array(
        [[sum(index == kind for *_, index in each) for kind in kinds] for each in edges], dtype=float
    )
    return np.hstack([_scaled(one_hot), _scaled(counts)])


def _scaled(block: Float64[np.ndarray, "g f"]) -> Float64[np.ndarray, "g f"]:
    spread = math.sqrt(float(block.var(axis=0).sum()) * 4)
    return block / spread if spread else block


def extrapolated(rungs: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Mean and variance at the last rung of everyone, from the last score there is, by genotype."""
    known = [scores for scores in rungs if scores]
    links = [_link(earlier, later) for earlier, later in pairwise(known)]
    spread = _variance(list(known[0].values()))
    # Rungs that nobody has reached move everyone alike; each adds doubt.
    beyond = PRIOR_UNEXPLAINED * spread * (len(rungs) - len(known))
    means: dict[str, float] = {}
    variances: dict[str, float] = {}
    for level, scores in enumerate(known):
        for genotype, score in scores.items():
            mean, variance = score, 0.0
            for link in links[level:]:
                mean = link.level + link.slope * (mean - link.centre)
                variance = link.slope**2 * variance + link.variance
            means[genotype], variances[genotype] = mean, variance + beyond
    return means, variances


def _without_outliers(scores: Mapping[str, float]) -> Mapping[str, float]:
    """Collapsed runs, held near the others: a line or a variance would be theirs alone."""
    if len(scores) < 3:
        return scores
    values = np.array(list(scores.values()))
    middle = float(np.median(values))
    spread = float(np.median(np.abs(values - middle))) * MAD_OF_NORMAL
    worst = middle + OUTLIER * spread
    return {each: min(score, worst) for each, score in scores.items()} if spread else scores


def _link(earlier: Mapping[str, float], later: Mapping[str, float]) -> Link:
    """Fitted to those who have both scores, held near the guess while they are few."""
    both = [each for each in later if each in earlier]
    x, y = np.array([earlier[each] for each in both]), np.array([later[each] for each in both])
    everyone = _variance(list(earlier.values()))
    if not both:  # those who went on have diverged since
        middle = float(np.mean(list(earlier.values())))
        return Link(middle, middle, PRIOR_SLOPE, PRIOR_UNEXPLAINED * everyone)
    centre, level = float(x.mean()), float(y.mean())
    x, y = x - centre, y - level
    weight = PRIOR_PAIRS * everyone
    total = float(x @ x) + weight
    slope = (float(x @ y) + PRIOR_SLOPE * weight) / total if total else PRIOR_SLOPE
    squares = float(((y - slope * x) ** 2).sum()) + PRIOR_PAIRS * PRIOR_UNEXPLAINED * everyone
    return Link(centre, level, slope, squares / (len(x) + PRIOR_PAIRS))


def _variance(values: Sequence[float]) -> float:
    return float(np.var(values)) if len(values) > 1 else 1.0
