from orchestrator.selection.config import SelectionConfig
from orchestrator.selection.contest import noise_of
from orchestrator.selection.tally import Tally, best_first
from orchestrator.selection.verdict import cut_reason, divergence_reason, final_reason, name
from tests.orchestrator.selection.tallies import tally

CONFIG = SelectionConfig(rungs=(10, 20))


def cut(places: int, *tallies: Tally) -> list[str]:
    ordered = best_first(tallies, lower_is_better=True)
    return [cut_reason(ordered, place, places, noise_of(tallies), CONFIG) for place in range(len(tallies))]


def test_a_cut_tells_places_and_distances() -> None:
    # Deviation sqrt(2), 3 degrees: means of two runs differ with a standard error of sqrt(2); 3.3 tell apart.
    assert cut(2, tally("a", 0.0, 2.0), tally("b", 9.0, 11.0), tally("c", 10.0, 12.0)) == [
        "kept: place 1 of 3",
        "kept: place 2 of 3, within noise of the cut",
        "dropped: place 3 of 3, 1 behind b (0.7 standard errors), within noise",
    ]


def test_unknown_noise_is_no_verdict() -> None:
    assert cut(1, tally("a", 1.0), tally("b", 1.5)) == [
        "kept: place 1 of 2",
        "dropped: place 2 of 2, 0.5 behind a",
    ]


def test_who_mostly_diverged_fills_places_at_best() -> None:
    assert cut(2, tally("a", 1.0), tally("b", 2.0, None, None), tally("c", None)) == [
        "kept: place 1 of 3",
        "kept for want of better ones, though it diverged in 2 of 3 runs: "
        "no finite score at step 10 (seed 1)",
        "diverged: no finite score at step 10 (seed 0)",
    ]


def test_the_last_rung_measures_everyone_against_the_chosen() -> None:
    tallies = [tally("a", 1.0), tally("b", 3.0), tally("c", None)]
    assert [final_reason(tallies, place, noise_of(tallies), CONFIG) for place in range(3)] == [
        "chosen",
        "2 behind a",
        "diverged: no finite score at step 10 (seed 0)",
    ]


def test_a_choice_that_mostly_diverged_is_said_to_be_one() -> None:
    tallies = [tally("a", 1.0, None, None)]
    assert final_reason(tallies, 0, noise_of(tallies), CONFIG) == (
        "chosen for want of better ones, though it diverged in 2 of 3 runs: "
        "no finite score at step 10 (seed 1)"
    )


def test_people_see_the_name_where_there_is_one() -> None:
    plain = tally("id", None)
    assert name(plain) == "id"
    assert divergence_reason(plain) == "diverged: no finite score at step 10 (seed 0)"
