import math

import pytest

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.result import Divergence, Request
from orchestrator.selection.rung import best_first, divergences
from tests.orchestrator.selection.scored import scored

CONFIG = SelectionConfig(rungs=(10,), divergence_multiple=3.0)


def lost(scores: dict[str, float | None], config: SelectionConfig = CONFIG) -> set[str]:
    """Whose only run diverged."""
    found = divergences({Request(genotype, 0, 10): score for genotype, score in scores.items()}, config)
    return {request.genotype for request in found}


@pytest.mark.parametrize("score", [None, math.nan, math.inf, -math.inf, 1e200])
def test_a_run_without_a_finite_score_has_diverged(score: float | None) -> None:
    found = divergences({Request("a", 3, 10): score, Request("b", 0, 10): 5.0}, CONFIG)
    assert found == {Request("a", 3, 10): Divergence(seed=3, step=10, score=None, reason="no finite score")}


def test_a_run_far_worse_than_the_median_has_diverged() -> None:
    scores = {
        Request(genotype, 0, 10): score
        for genotype, score in zip("abcd", (2.0, 4.0, 12.0, 12.1), strict=True)
    }
    # The median is 8.
    assert divergences(scores, CONFIG) == {}
    found = divergences({**scores, Request("e", 1, 10): 36.1}, CONFIG)  # median 12
    assert found[Request("e", 1, 10)].reason == "36.1, more than 3 times worse than the median 12"
    assert found[Request("e", 1, 10)].score == 36.1


def test_exactly_the_multiple_is_not_yet_far_worse() -> None:
    assert lost({"a": 1.0, "b": 1.0, "c": 3.0}) == set()
    assert lost({"a": 1.0, "b": 1.0, "c": 3.001}) == {"c"}


def test_diverged_runs_do_not_move_the_median() -> None:
    assert lost({"a": 1.0, "b": 2.9, "c": None, "d": math.inf, "e": 1.0}) == {"c", "d"}


def test_where_higher_is_better_far_worse_is_far_lower() -> None:
    higher = CONFIG.model_copy(update={"lower_is_better": False})
    assert lost({"a": 9.0, "b": 8.0, "c": 2.5, "d": 80.0, "e": 8.0}, higher) == {"c"}


def test_scores_around_zero_have_no_multiple() -> None:
    assert lost({"a": -1.0, "b": -2.0, "c": 50.0}) == set()
    assert lost({"a": 0.0, "b": 0.0, "c": 50.0}) == set()


def test_the_multiple_can_be_switched_off() -> None:
    off = CONFIG.model_copy(update={"divergence_multiple": None})
    assert lost({"a": 1.0, "b": 1.0, "c": 1e6, "d": math.nan}, off) == {"d"}


def test_candidates_rank_by_mean_then_those_that_mostly_diverged_then_those_without_scores() -> None:
    ranked = [
        scored("none", None),
        scored("mostly", 1.0, None, None),
        scored("b", 4.0, 6.0),
        scored("half", 4.5, None),
    ]
    assert [each.candidate.genotype for each in best_first(ranked, True)] == ["half", "b", "mostly", "none"]
    assert [each.candidate.genotype for each in best_first(ranked, False)] == ["b", "half", "mostly", "none"]


def test_equal_means_rank_by_id() -> None:
    ranked = [scored("b", 1.0), scored("c", 1.0), scored("a", 1.0)]
    assert [each.candidate.genotype for each in best_first(ranked, True)] == ["a", "b", "c"]
    assert [each.candidate.genotype for each in best_first(ranked, False)] == ["a", "b", "c"]
