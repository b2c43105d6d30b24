from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policy import select
from orchestrator.selection.result import Request, Selection
from tests.orchestrator.selection.sources import Scripted, at_step, candidates

LAST = SelectionConfig(rungs=(10,), max_repeats=3)


def asked(source: Scripted) -> list[list[tuple[str, int]]]:
    """Genotypes and seeds, batch by batch."""
    return [[request[:2] for request in batch] for batch in source.asked]


def chosen(source: Scripted, config: SelectionConfig, genotypes: str = "abc", seeds: int = 3) -> Selection:
    return select(candidates(genotypes, seeds), source, config)


def test_those_within_noise_of_the_winner_are_repeated_together_until_told_apart() -> None:
    source = at_step(10, {"a": (1.0, 1.1, 1.0), "b": (1.2, 1.9, 1.9), "c": (4.0, 4.0, 4.0)})
    selection = chosen(source, LAST)
    # First the two at the top, whose deviation of 0.35 then leaves nobody apart: t asks for 4.5 errors.
    assert asked(source)[:2] == [[("a", 0), ("b", 0), ("c", 0)], [("a", 1), ("b", 1)]]
    assert asked(source)[2] == [("a", 2), ("b", 2)]
    assert len(asked(source)) == 3
    assert selection.rungs[0].repeats == 4
    assert selection.choice == "a"


def test_repeats_end_when_everyone_is_told_apart() -> None:
    source = at_step(10, {"a": (1.0, 1.0, 1.0), "b": (5.0, 5.0, 5.0), "c": (9.0, 9.0, 9.0)})
    selection = chosen(source, LAST)
    assert asked(source)[1:] == [[("a", 1), ("b", 1)]]
    assert selection.rungs[0].note == ""


def test_repeats_end_at_the_maximum_and_say_who_is_still_within_noise() -> None:
    same = (5.0, 6.0, 7.0)
    selection = chosen(at_step(10, dict.fromkeys("abc", same)), LAST)
    assert [standing.runs for standing in selection.rungs[0].standings] == [3, 3, 3]
    assert selection.rungs[0].note == "candidates still within noise of the cut: 3"


def test_repeats_end_with_the_seeds() -> None:
    selection = chosen(at_step(10, dict.fromkeys("abc", (5.0,))), LAST, seeds=1)
    assert selection.rungs[0].repeats == 0
    assert selection.rungs[0].note == "one run each, so the noise is unknown"


def test_the_cut_is_contested_too_and_repeated_runs_go_on() -> None:
    curves = {
        (genotype, seed): {10: score, 20: score}
        for genotype, score in zip("abc", (1.0, 5.0, 6.0), strict=True)
        for seed in (0, 1)
    }
    source = Scripted(curves)
    chosen(source, SelectionConfig(rungs=(10, 20), keep=2, max_repeats=(2, 1)), seeds=2)
    assert source.asked[1] == [Request("b", 1, 10), Request("c", 1, 10)]
    assert source.asked[2] == [Request("a", 0, 20), Request("b", 0, 20), Request("b", 1, 20)]


def test_the_budget_goes_to_those_nearest_the_cut() -> None:
    same = dict.fromkeys("abc", (5.0, 6.0, 7.0))
    config = SelectionConfig(rungs=(10,), repeats=2, max_repeats=3, budget=75)
    source = at_step(10, same)
    selection = chosen(source, config)
    # Two runs each cost 60; one more fits. a won by its id, and is inside the cut.
    assert asked(source)[1:] == [[("a", 2)]]
    assert selection.rungs[0].note.endswith("; the budget allows no further runs")


def test_the_budget_keeps_what_the_rungs_ahead_need() -> None:
    curves = {(genotype, seed): {10: 5.0, 20: 5.0} for genotype in "abc" for seed in (0, 1)}
    config = SelectionConfig(rungs=(10, 20), keep=2, max_repeats=2)
    # The plan takes 3 * 10 + 2 * 10. A repeat of the last kept takes 10, and 10 more as it goes on.
    for budget, repeats in ((50, 0), (69, 0), (70, 1)):
        selection = chosen(Scripted(curves), config.model_copy(update={"budget": budget}), seeds=2)
        assert selection.rungs[0].repeats == repeats
        assert selection.steps_trained <= budget
