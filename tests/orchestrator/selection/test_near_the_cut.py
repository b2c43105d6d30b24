from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policies.repeats import doubtful, lead, near_the_cut, noise_of
from orchestrator.selection.rung import CandidateScores, best_first
from tests.orchestrator.selection.scored import scored

CONFIG = SelectionConfig(rungs=(10,))


def names(ranked: list[CandidateScores]) -> list[str]:
    return [each.candidate.genotype for each in ranked]


def test_noise_is_pooled_over_those_that_did_not_mostly_diverge() -> None:
    ranked = [scored("a", 1.0, 3.0), scored("b", 5.0, 99.0, None, None, None)]
    assert noise_of(ranked).deviation == 2**0.5
    assert noise_of(ranked).candidates == 1


def test_the_lead_is_the_difference_of_the_means() -> None:
    ranked = [scored("a", 1.0, 3.0), scored("b", 7.0)]
    assert lead(ranked[0], ranked[1], noise_of(ranked), CONFIG).size == 5.0


def test_without_repeats_the_two_at_the_cut_are_contested() -> None:
    ranked = [scored(name, float(score)) for score, name in enumerate("abcde")]
    assert names(near_the_cut(ranked, 2, CONFIG)) == ["b", "c"]


def test_those_within_noise_of_the_cut_are_contested_nearest_first() -> None:
    # Deviation sqrt(2), 6 degrees: apart are two means of two runs from 2.52 * sqrt(2) = 3.56 on.
    means = {"a": 10.0, "b": 14.0, "c": 15.0, "d": 17.0, "e": 18.0, "f": 19.0}
    ranked = [scored(name, mean - 1, mean + 1) for name, mean in means.items()]
    # c is the last of three kept, d the first dropped.
    assert names(near_the_cut(ranked, 3, CONFIG)) == ["c", "d", "b", "e"]


def test_the_winner_is_contested_by_those_within_noise_of_it() -> None:
    ranked = [scored(name, mean - 1, mean + 1) for name, mean in {"a": 10.0, "b": 12.0, "c": 19.0}.items()]
    assert names(near_the_cut(ranked, 1, CONFIG)) == ["a", "b"]


def test_nothing_is_contested_where_all_are_kept_or_only_diverged_ones_are_not() -> None:
    ranked = [scored("a", 1.0), scored("b", 1.0), scored("c", None)]
    assert near_the_cut(ranked, 3, CONFIG) == []
    assert near_the_cut(ranked, 2, CONFIG) == []


def test_a_winner_seen_once_is_doubtful() -> None:
    ranked = [scored("a", 1.0), scored("b", 8.0, 9.0)]
    assert names(doubtful(ranked, 1, most_repeats=3)) == ["a"]
    assert doubtful(ranked, 2, most_repeats=3) == []
    assert doubtful(ranked[:1], 1, most_repeats=3) == []
    assert doubtful(ranked[::-1], 1, most_repeats=3) == []


def test_who_diverged_is_doubtful_while_further_runs_could_outweigh_it() -> None:
    ranked = best_first(
        [scored("a", None), scored("b", None, None), scored("c", 1.0), scored("d", 2.0, None)], True
    )
    assert names(doubtful(ranked, 2, most_repeats=3)) == ["a"]
    assert names(doubtful(ranked, 2, most_repeats=4)) == ["a", "b"]
    assert doubtful(ranked, 2, most_repeats=1) == []
