"""The policy on selections small enough to follow by hand."""

import pytest

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policy import select
from orchestrator.selection.result import Candidate, Request, SelectionError
from tests.orchestrator.selection.sources import Scripted, candidates

ONE_RUN_EACH = SelectionConfig(rungs=(10, 20, 40), keep=(3, 2), max_repeats=1)
"""From any number to 3 after 10 steps, to 2 after 20, to one after 40."""

FOUR = {
    ("a", 0): {10: 8.0, 20: 7.0, 40: 3.0},
    ("b", 0): {10: 7.0, 20: 5.0, 40: 4.0},
    ("c", 0): {10: 6.0, 20: 6.0, 40: 5.0},
    ("d", 0): {10: 9.0, 20: 1.0, 40: 1.0},
}


def test_each_rung_trains_those_kept_and_drops_the_worst() -> None:
    source = Scripted(FOUR)
    selection = select(candidates("abcd"), source, ONE_RUN_EACH)
    assert source.asked == [
        [Request(genotype, 0, step) for genotype in genotypes]
        for step, genotypes in ((10, "abcd"), (20, "cba"), (40, "bc"))
    ]
    assert [[each.genotype for each in rung.kept] for rung in selection.rungs] == [
        list("cba"),
        list("bc"),
        list("bc"),
    ]
    assert selection.choice == "b"


def test_the_ranking_puts_who_came_further_before() -> None:
    selection = select(candidates("abcd"), Scripted(FOUR), ONE_RUN_EACH)
    assert [(each.genotype, each.step, each.mean) for each in selection.ranking] == [
        ("b", 40, 4.0),
        ("c", 40, 5.0),
        ("a", 20, 7.0),
        ("d", 10, 9.0),
    ]


def test_runs_go_on_so_that_only_further_steps_cost() -> None:
    selection = select(candidates("abcd"), Scripted(FOUR), ONE_RUN_EACH)
    assert [rung.steps_trained for rung in selection.rungs] == [4 * 10, 3 * 10, 2 * 20]
    assert selection.steps_trained == 110


def test_every_cut_says_why() -> None:
    selection = select(candidates("abcd"), Scripted(FOUR), ONE_RUN_EACH)
    assert [each.reason for each in selection.rungs[0].standings] == [
        "kept: 3 ahead of the first dropped",
        "kept: 2 ahead of the first dropped",
        "kept: 1 ahead of the first dropped",
        "dropped: 1 behind the last kept",
    ]
    assert [each.reason for each in selection.rungs[2].standings] == ["chosen", "1 behind"]


def test_a_later_rung_may_ask_for_more_runs_which_start_anew() -> None:
    curves = {
        (genotype, seed): {10: 5.0, 30: 5.0 + (genotype == "b")} for genotype in "abc" for seed in (4, 7)
    }
    config = SelectionConfig(rungs=(10, 30), keep=2, repeats=(1, 2), max_repeats=1)
    source = Scripted(curves)
    selection = select([Candidate(genotype, (4, 7)) for genotype in "abc"], source, config)
    assert source.asked[1] == [Request(genotype, seed, 30) for genotype in "ab" for seed in (4, 7)]
    assert selection.steps_trained == 3 * 10 + 2 * (20 + 30)
    assert selection.ranking[0].seeds == (4, 7)


def test_a_diverged_run_is_neither_trained_further_nor_forgotten() -> None:
    curves = {
        ("a", 0): {10: 5.0, 20: 4.0},
        ("a", 1): {10: None},
        ("b", 0): {10: 6.0, 20: 6.0},
        ("b", 1): {10: 6.0, 20: 6.0},
    }
    source = Scripted(curves)
    config = SelectionConfig(rungs=(10, 20), repeats=2, max_repeats=2)
    selection = select(candidates("ab", seeds=2), source, config)
    assert source.asked[1] == [Request("a", 0, 20), Request("b", 0, 20), Request("b", 1, 20)]
    winner = selection.ranking[0]
    assert (winner.genotype, winner.runs, winner.scores) == ("a", 2, (4.0,))
    assert [(each.seed, each.step) for each in winner.diverged] == [(1, 10)]
    assert selection.reason.endswith("; 1 of its 2 runs diverged")


def test_the_diverged_are_at_the_end_with_their_reason() -> None:
    curves = {("a", 0): {10: 5.0, 20: 4.0}, ("b", 0): {10: 5.0}, ("c", 0): {}, ("d", 0): {10: 6.0, 20: 9.0}}
    selection = select(
        candidates("abcd"), Scripted(curves), SelectionConfig(rungs=(10, 20), keep=3, max_repeats=1)
    )
    assert [(each.genotype, each.reason) for each in selection.ranking] == [
        ("a", "chosen"),
        ("d", "5 behind"),
        ("b", "diverged: no finite score at step 20 (seed 0)"),
        ("c", "diverged: no finite score at step 10 (seed 0)"),
    ]


def test_a_candidate_without_a_score_is_not_kept_however_few_others_there_are() -> None:
    curves = {("a", 0): {10: 5.0, 20: 4.0}, ("b", 0): {}, ("c", 0): {}}
    selection = select(
        candidates("abc"), Scripted(curves), SelectionConfig(rungs=(10, 20), keep=2, max_repeats=1)
    )
    assert [each.genotype for each in selection.rungs[0].kept] == ["a"]
    assert selection.reason == "chosen: a, 4 with one seed, the only one with a score"


def test_a_run_that_diverged_by_bad_luck_is_repeated() -> None:
    curves = {("a", 0): {10: None}, ("a", 1): {10: 1.0}, **{("b", seed): {10: 2.0} for seed in range(3)}}
    selection = select(
        candidates("ab", seeds=3), Scripted(curves), SelectionConfig(rungs=(10,), max_repeats=2)
    )
    assert selection.choice == "a"
    assert selection.ranking[0].runs == 2


def test_if_all_diverge_nothing_is_chosen() -> None:
    curves = {("a", 0): {10: None}, ("b", 0): {10: float("nan")}}
    selection = select(candidates("ab"), Scripted(curves), SelectionConfig(rungs=(10, 20)))
    assert selection.choice is None
    assert selection.reason == "nothing chosen, as every candidate still standing diverged (2)"
    assert [rung.step for rung in selection.rungs] == [10]
    assert len(selection.ranking) == 2


def test_a_single_candidate_is_trained_to_the_end_and_chosen() -> None:
    selection = select(candidates("a", seeds=3), Scripted(FOUR), ONE_RUN_EACH)
    assert (selection.choice, selection.steps_trained) == ("a", 40)


def test_where_higher_is_better_the_highest_is_chosen() -> None:
    config = ONE_RUN_EACH.model_copy(update={"lower_is_better": False})
    selection = select(candidates("abcd"), Scripted(FOUR), config)
    assert [each.genotype for each in selection.rungs[0].kept] == ["d", "a", "b"]
    assert selection.choice == "b"


def test_an_outcome_survives_json() -> None:
    selection = select(candidates("abcd"), Scripted(FOUR), ONE_RUN_EACH)
    assert type(selection).model_validate_json(selection.model_dump_json()) == selection


@pytest.mark.parametrize(
    ("given", "budget", "message"),
    [
        ([], None, "candidates: none"),
        (candidates("aa"), None, "candidates: a is there twice"),
        ([Candidate("a", ())], None, "candidates: a has no seeds"),
        (
            candidates("abcd"),
            109,
            "budget = 109: the rungs train 110 steps for 4 candidates; use 110 or more",
        ),
    ],
)
def test_what_cannot_be_selected_from_is_refused(
    given: list[Candidate], budget: int | None, message: str
) -> None:
    config = ONE_RUN_EACH.model_copy(update={"budget": budget})
    with pytest.raises(SelectionError, match=message):
        select(given, Scripted(FOUR), config)
