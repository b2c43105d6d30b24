from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policies.explain import cut_reason, divergence_reason, final_reason, name
from orchestrator.selection.policies.repeats import noise_of
from orchestrator.selection.rung import CandidateScores, best_first
from tests.orchestrator.selection.scored import scored

CONFIG = SelectionConfig(rungs=(10, 20))


def cut(places: int, *ranked: CandidateScores) -> list[str]:
    ordered = best_first(ranked, lower_is_better=True)
    return [cut_reason(ordered, place, places, noise_of(ranked), CONFIG) for place in range(len(ranked))]


def test_a_cut_tells_distances_to_its_other_side() -> None:
    # Deviation sqrt(2), 3 degrees: means of two runs differ with a standard error of sqrt(2); 3.3 tell apart.
    assert cut(2, scored("a", 0.0, 2.0), scored("b", 9.0, 11.0), scored("c", 10.0, 12.0)) == [
        "kept: 10 ahead of the first dropped (7.1 standard errors)",
        "kept: 1 ahead of the first dropped (0.7 standard errors), within noise",
        "dropped: 1 behind the last kept (0.7 standard errors), within noise",
    ]


def test_unknown_noise_is_no_verdict() -> None:
    assert cut(1, scored("a", 1.0), scored("b", 1.5)) == [
        "kept: 0.5 ahead of the first dropped",
        "dropped: 0.5 behind the last kept",
    ]


def test_a_cut_that_drops_nobody_or_only_the_diverged_says_so() -> None:
    assert cut(2, scored("a", 1.0), scored("b", 1.5)) == ["kept: nobody was dropped"] * 2
    kept = cut(2, scored("a", 1.0), scored("b", 1.5), scored("c", None))[:2]
    assert kept == ["kept: only the diverged were dropped"] * 2


def test_who_mostly_diverged_fills_places_at_best() -> None:
    assert cut(2, scored("a", 1.0), scored("b", 2.0, None, None), scored("c", None)) == [
        "kept: only the diverged were dropped",
        "kept for want of better ones, though it diverged in 2 of 3 runs: "
        "no finite score at step 10 (seed 1)",
        "diverged: no finite score at step 10 (seed 0)",
    ]


def test_the_last_rung_measures_everyone_against_the_chosen() -> None:
    ranked = [scored("a", 1.0), scored("b", 3.0), scored("c", None)]
    assert [final_reason(ranked, place, noise_of(ranked), CONFIG) for place in range(3)] == [
        "chosen",
        "2 behind",
        "diverged: no finite score at step 10 (seed 0)",
    ]


def test_a_choice_that_mostly_diverged_is_said_to_be_one() -> None:
    ranked = [scored("a", 1.0, None, None)]
    assert final_reason(ranked, 0, noise_of(ranked), CONFIG) == (
        "chosen for want of better ones, though it diverged in 2 of 3 runs: "
        "no finite score at step 10 (seed 1)"
    )


def test_people_see_the_name_where_there_is_one() -> None:
    plain = scored("id", None)
    assert name(plain) == "id"
    assert divergence_reason(plain) == "diverged: no finite score at step 10 (seed 0)"
