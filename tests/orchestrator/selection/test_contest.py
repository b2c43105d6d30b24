from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policies.repeats import contested, doubtful, lead, noise_of
from orchestrator.selection.rung import CandidateScores, best_first
from tests.orchestrator.selection.tallies import tally

CONFIG = SelectionConfig(rungs=(10,))


def names(tallies: list[CandidateScores]) -> list[str]:
    return [each.candidate.genotype for each in tallies]


def test_noise_is_pooled_over_those_that_did_not_mostly_diverge() -> None:
    tallies = [tally("a", 1.0, 3.0), tally("b", 5.0, 99.0, None, None, None)]
    assert noise_of(tallies).deviation == 2**0.5
    assert noise_of(tallies).candidates == 1


def test_the_lead_is_the_difference_of_the_means() -> None:
    tallies = [tally("a", 1.0, 3.0), tally("b", 7.0)]
    assert lead(tallies[0], tallies[1], noise_of(tallies), CONFIG).size == 5.0


def test_without_repeats_the_two_at_the_cut_are_contested() -> None:
    tallies = [tally(name, float(score)) for score, name in enumerate("abcde")]
    assert names(contested(tallies, 2, CONFIG)) == ["b", "c"]


def test_those_within_noise_of_the_cut_are_contested_nearest_first() -> None:
    # Deviation sqrt(2), 6 degrees: apart are two means of two runs from 2.52 * sqrt(2) = 3.56 on.
    means = {"a": 10.0, "b": 14.0, "c": 15.0, "d": 17.0, "e": 18.0, "f": 19.0}
    tallies = [tally(name, mean - 1, mean + 1) for name, mean in means.items()]
    # c is the last of three kept, d the first dropped.
    assert names(contested(tallies, 3, CONFIG)) == ["c", "d", "b", "e"]


def test_the_winner_is_contested_by_those_within_noise_of_it() -> None:
    tallies = [tally(name, mean - 1, mean + 1) for name, mean in {"a": 10.0, "b": 12.0, "c": 19.0}.items()]
    assert names(contested(tallies, 1, CONFIG)) == ["a", "b"]


def test_nothing_is_contested_where_all_are_kept_or_only_diverged_ones_are_not() -> None:
    tallies = [tally("a", 1.0), tally("b", 1.0), tally("c", None)]
    assert contested(tallies, 3, CONFIG) == []
    assert contested(tallies, 2, CONFIG) == []


def test_a_winner_seen_once_is_doubtful() -> None:
    tallies = [tally("a", 1.0), tally("b", 8.0, 9.0)]
    assert names(doubtful(tallies, 1, most_repeats=3)) == ["a"]
    assert doubtful(tallies, 2, most_repeats=3) == []
    assert doubtful(tallies[:1], 1, most_repeats=3) == []
    assert doubtful(tallies[::-1], 1, most_repeats=3) == []


def test_who_diverged_is_doubtful_while_further_runs_could_outweigh_it() -> None:
    tallies = best_first(
        [tally("a", None), tally("b", None, None), tally("c", 1.0), tally("d", 2.0, None)], True
    )
    assert names(doubtful(tallies, 2, most_repeats=3)) == ["a"]
    assert names(doubtful(tallies, 2, most_repeats=4)) == ["a", "b"]
    assert doubtful(tallies, 2, most_repeats=1) == []
