from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policies.explain import choice_reason
from orchestrator.selection.policies.repeats import noise_of
from orchestrator.selection.rung import CandidateScores, best_first
from tests.orchestrator.selection.scored import scored

CONFIG = SelectionConfig(rungs=(10,))


def reason(*ranked: CandidateScores) -> str:
    return choice_reason(best_first(ranked, lower_is_better=True), noise_of(ranked), CONFIG)


def test_a_clear_winner_is_better_by_so_many_standard_errors() -> None:
    # Deviation 1 with 4 degrees; standard error sqrt(2 / 3) = 0.816; 6 / 0.816 = 7.3.
    assert reason(scored("x", 4.0, 5.0, 6.0), scored("y", 10.0, 11.0, 12.0)) == (
        "chosen: x, mean 5 ± 1 over 3 seeds, better than the runner-up y by 6 (7.3 standard errors); "
        "deviation 1 pooled over 2 candidates, 4 degrees of freedom"
    )


def test_a_winner_within_noise_is_said_to_be() -> None:
    assert reason(scored("x", 4.0, 5.0, 6.0), scored("y", 5.0, 6.0, 7.0)) == (
        "chosen: x, mean 5 ± 1 over 3 seeds, within noise of y: chosen for its better mean, by 1 "
        "(1.2 standard errors) where 2.9 standard errors would tell them apart; "
        "deviation 1 pooled over 2 candidates, 4 degrees of freedom"
    )


def test_five_runs_speak_for_themselves() -> None:
    said = reason(scored("x", 1.0, 2.0, 3.0, 4.0, 5.0), scored("y", 21.0, 22.0, 23.0, 24.0, 25.0))
    assert (
        said
        == "chosen: x, mean 3 ± 1.6 over 5 seeds, better than the runner-up y by 20 (20.0 standard errors)"
    )


def test_one_run_each_says_nothing_about_noise() -> None:
    assert reason(scored("x", 4.0), scored("y", 5.0)) == (
        "chosen: x, 4 with one seed, better than the runner-up y by 1, "
        "with one run each and so with unknown noise"
    )


def test_equals_are_told_apart_by_id() -> None:
    assert reason(scored("y", 4.0, 4.0), scored("x", 4.0, 4.0)).endswith(
        "equal to y: chosen by the order of ids alone"
    )


def test_no_deviation_at_all_makes_any_lead_count() -> None:
    said = reason(scored("x", 4.0, 4.0), scored("y", 5.0, 5.0))
    assert "better than the runner-up y by 1; deviation 0 pooled" in said


def test_divergences_are_told_of_winner_and_rival() -> None:
    assert reason(scored("x", 4.0, None), scored("y", 9.0, None, None)) == (
        "chosen: x, 4 with one seed, better than y, which diverged in 2 of 3 runs: "
        "no finite score at step 10 (seed 1); 1 of its 2 runs diverged"
    )


def test_without_any_score_nothing_is_chosen() -> None:
    assert (
        reason(scored("x", None), scored("y", None))
        == "nothing chosen, as every candidate still standing diverged (2)"
    )
    assert reason(scored("x", 1.0)) == "chosen: x, 1 with one seed, the only one with a score"
