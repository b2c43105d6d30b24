"""Fronts against their definition, crowding distances against values by hand."""

import math

import numpy as np
import pytest

from search_space.evolution.pareto import crowding, fronts


def dominates(one, other):
    return all(a <= b for a, b in zip(one, other, strict=True)) and any(
        a < b for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("objectives", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_every_front_is_what_nobody_left_dominates(objectives, seed):
    """Whole numbers, so that points and objectives tie."""
    drawn = np.random.default_rng(seed).integers(0, 7, size=(40, objectives))
    points = [tuple(map(float, row)) for row in drawn]
    left = set(range(40))
    for front in fronts(points):
        expected = {one for one in left if not any(dominates(points[other], points[one]) for other in left)}
        assert front == sorted(expected)
        left -= expected
    assert not left


def test_a_known_set_has_three_fronts():
    points = [(1, 5), (2, 3), (4, 1), (2, 5), (4, 3), (5, 5), (2, 3)]
    assert fronts(points) == [[0, 1, 2, 6], [3, 4], [5]]


def test_what_is_infinite_is_behind_everything_finite():
    assert fronts([(math.inf, math.inf), (9.0, 9.0), (math.inf, math.inf)]) == [[1], [0, 2]]


def test_a_distance_is_that_between_neighbours_as_a_share_of_the_range():
    """Scores range over 10, sizes over 100. The neighbours of the first score 1 and 10 and have 0 and 70."""
    points = [(3.0, 60.0), (0.0, 100.0), (10.0, 0.0), (1.0, 70.0)]
    assert crowding(points) == pytest.approx([0.9 + 0.7, math.inf, math.inf, 0.3 + 0.4])


def test_points_that_are_alike_are_no_distance_apart():
    assert crowding([(1.0, 2.0)] * 4) == [math.inf, 0.0, 0.0, math.inf]
    assert crowding([(math.inf, math.inf)] * 3) == [math.inf, 0.0, math.inf]
    assert crowding([(1.0, 2.0)]) == [math.inf]
