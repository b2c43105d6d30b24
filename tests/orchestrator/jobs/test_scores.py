import math

import pytest

from orchestrator.jobs.scores import Difference, best_of, deviation, difference, pooled, required


def test_the_first_of_the_best_is_found_in_either_direction() -> None:
    scores = {"a": 2.0, "b": 1.0, "c": 1.0, "d": 3.0, "e": 3.0}
    assert best_of(scores, scores.__getitem__, lower_is_better=True) == "b"
    assert best_of(scores, scores.__getitem__, lower_is_better=False) == "d"
    assert best_of([], scores.__getitem__, lower_is_better=True) is None


def test_one_score_has_no_deviation() -> None:
    assert deviation([4.0]) is None
    assert deviation([3.0, 5.0, 7.0]) == 2.0


def test_the_deviation_is_pooled_over_candidates_by_degrees_of_freedom() -> None:
    # Squares about the means 2 and 5: 2 with one degree, 6 with two. sqrt(8 / 3).
    noise = pooled([[1.0, 3.0], [4.0, 4.0, 7.0], [100.0], []])
    assert noise.deviation == pytest.approx(math.sqrt(8 / 3))
    assert (noise.degrees, noise.candidates) == (3, 2)


def test_single_scores_leave_the_noise_unknown() -> None:
    noise = pooled([[1.0], [2.0]])
    assert (noise.deviation, noise.degrees, noise.candidates) == (None, 0, 0)
    assert difference([1.0], [2.0], noise, lower_is_better=True) == Difference(1.0, None, 0)


def test_the_standard_error_of_a_difference_is_that_of_two_means() -> None:
    noise = pooled([[1.0, 3.0], [4.0, 6.0]])  # deviation sqrt(2), two degrees
    ahead = difference([1.0, 3.0], [6.0], noise, lower_is_better=True)
    assert ahead.size == 4.0
    assert ahead.error == pytest.approx(math.sqrt(2 / 2 + 2 / 1))
    assert ahead.degrees == 2
    assert ahead.standard_errors == pytest.approx(4 / math.sqrt(3))


def test_higher_scores_lead_where_higher_is_better() -> None:
    assert difference([5.0], [3.0], pooled([]), lower_is_better=False).size == 2.0
    assert difference([5.0], [3.0], pooled([]), lower_is_better=True).size == -2.0


def test_from_five_runs_on_a_candidates_own_deviation_counts() -> None:
    own = [1.0, 2.0, 3.0, 4.0, 5.0]  # variance 2.5
    noise = pooled([own, [0.0, 10.0]])  # (10 + 50) / 5 = 12
    ahead = difference(own, [0.0, 10.0], noise, lower_is_better=True)
    assert ahead.error == pytest.approx(math.sqrt(2.5 / 5 + 12 / 2))
    assert ahead.degrees == 4


def test_up_to_four_runs_the_pooled_deviation_counts() -> None:
    few = [1.0, 2.0, 3.0, 4.0]  # squares 5
    noise = pooled([few, [0.0, 10.0]])  # (5 + 50) / 4
    assert difference(few, [0.0, 10.0], noise, lower_is_better=True).error == pytest.approx(
        math.sqrt(55 / 4 * (1 / 4 + 1 / 2))
    )


# Student factors of 95.45 %: JCGM 100:2008 (GUM), table G.2.
@pytest.mark.parametrize(
    ("degrees", "factor"),
    [
        (1, 13.97),
        (2, 4.53),
        (3, 3.31),
        (4, 2.87),
        (5, 2.65),
        (10, 2.28),
        (20, 2.13),
        (50, 2.05),
        (100, 2.025),
    ],
)
def test_few_degrees_of_freedom_ask_for_more_standard_errors(degrees: int, factor: float) -> None:
    assert required(2.0, degrees) == pytest.approx(factor, abs=0.006)


def test_many_degrees_of_freedom_ask_for_the_separation_itself() -> None:
    assert required(3.0, 5000) == pytest.approx(3.0, abs=5e-3)


def test_a_difference_is_separated_from_the_required_standard_errors_on() -> None:
    assert Difference(4.6, 1.0, 2).is_separated(2.0)
    assert not Difference(4.4, 1.0, 2).is_separated(2.0)
    assert not Difference(-9.0, 1.0, 2).is_separated(2.0)


def test_unknown_noise_separates_nothing_and_no_noise_everything_but_equals() -> None:
    assert not Difference(1e9, None, 0).is_separated(2.0)
    assert Difference(1e-9, 0.0, 3).is_separated(2.0)
    assert not Difference(0.0, 0.0, 3).is_separated(2.0)
    assert Difference(1.0, 0.0, 3).standard_errors is None
