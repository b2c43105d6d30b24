import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from orchestrator.selection.curves import best_first, mean_ranks, rank_correlation

NAN = float("nan")


def test_equal_values_share_their_mean_rank() -> None:
    assert mean_ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


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


@given(arrays(float, (2, 12), elements=st.integers(0, 6).map(float)))
def test_rank_correlation_is_spearmans(pair: np.ndarray) -> None:
    expected = spearmanr(*pair).statistic if all(len(set(row)) > 1 for row in pair.tolist()) else None
    found = rank_correlation(*pair)
    assert found is None if expected is None else found == pytest.approx(expected)


def test_the_best_come_first_and_nan_never() -> None:
    values = np.array([3.0, NAN, 1.0, 3.0, 2.0])
    assert best_first(values, lower_is_better=True).tolist() == [2, 4, 0, 3]
    assert best_first(values, lower_is_better=False).tolist() == [0, 3, 4, 2]
