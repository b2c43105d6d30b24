"""How one order of genotypes agrees with another."""

import numpy as np
from jaxtyping import Float64, Int64


def rank_correlation(one: Float64[np.ndarray, " n"], other: Float64[np.ndarray, " n"]) -> float | None:
    """Spearman's correlation of ranks, ties at their mean rank; pairs with a NaN are left out.

    None for fewer than two pairs, or where all on one side are equal.
    """
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < 2:
        return None
    ranks = np.stack([mean_ranks(one[both]), mean_ranks(other[both])])
    ranks -= ranks.mean(axis=1, keepdims=True)
    scale = np.sqrt((ranks**2).sum(axis=1).prod())
    return float((ranks[0] * ranks[1]).sum() / scale) if scale else None


def mean_ranks(values: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """Ranks from 1 for the smallest; equal values share the mean of their ranks."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[group]


def best_first(values: Float64[np.ndarray, " n"], lower_is_better: bool) -> Int64[np.ndarray, " k"]:
    """Indices of the finite values, best first, equal ones in their order."""
    order = np.argsort(values if lower_is_better else -values, kind="stable")
    return order[np.isfinite(values[order])]
