"""Points of several objectives, each the lower the better: who dominates whom, and who is alone."""

import math
from collections.abc import Sequence

import numpy as np

Points = Sequence[tuple[float, ...]]
"""A row for each candidate, a column for each objective; no NaN."""


def fronts(points: Points) -> list[list[int]]:
    """Non-dominated sorting: points that nobody dominates, by number, then those without them, and so on.

    A point dominates another if it is nowhere worse and somewhere better.
    """
    values = np.array(points, dtype=float)
    first, second = values[:, None], values[None]
    dominates = np.asarray((first <= second).all(-1) & (first < second).any(-1))
    left, found = np.arange(len(values)), list[list[int]]()
    while len(left):
        beaten = dominates[np.ix_(left, left)].any(0)
        found.append(left[~beaten].tolist())
        left = left[beaten]
    return found


def crowding(points: Points) -> list[float]:
    """Crowding distances of one front: how far a point's neighbours are apart, summed over objectives.

    Each objective counts by its range. The ends of a front are infinitely far from others.
    """
    distances = [0.0] * len(points)
    for column in zip(*points, strict=True):
        order = sorted(range(len(column)), key=column.__getitem__)
        spread = column[order[-1]] - column[order[0]]
        for before, each, after in zip(order, order[1:], order[2:], strict=False):
            if spread > 0:
                distances[each] += (column[after] - column[before]) / spread
        distances[order[0]] = distances[order[-1]] = math.inf
    return distances
