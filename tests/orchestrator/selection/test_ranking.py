import math

import numpy as np
import pytest

from orchestrator.selection.curves import rank_correlation

NAN = float("nan")


def test_rank_correlation_by_hand() -> None:
    # Squared rank differences 1, 1, 0, 0: 1 - 6 * 2 / (4 * 15).
    assert rank_correlation(
        np.array([1.0, 2.0, 3.0, 4.0]), np.array([20.0, 10.0, 30.0, 99.0])
    ) == pytest.approx(0.8)


def test_pairs_without_a_score_are_left_out() -> None:
    one, other = np.array([1.0, NAN, 2.0, 5.0]), np.array([2.0, 0.0, 3.0, NAN])
    assert rank_correlation(one, other) == pytest.approx(1.0)


@pytest.mark.parametrize("one", [[1.0], [NAN, 1.0], [2.0, 2.0], []])
def test_too_little_to_correlate_is_none(one: list[float]) -> None:
    assert rank_correlation(np.array(one), np.arange(len(one), dtype=float)) is None


def test_equal_values_share_their_mean_rank() -> None:
    # Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: their covariance 1.5 over the root of the variances 1.5 and 5/3.
    found = rank_correlation(np.array([1.0, 2.0, 2.0, 5.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert found == pytest.approx(1.5 / math.sqrt(1.5 * 5 / 3))
