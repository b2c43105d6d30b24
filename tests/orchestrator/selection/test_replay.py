from pathlib import Path

import pytest

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.curves import Curves
from orchestrator.selection.replay import replay, replay_curves
from orchestrator.selection.result import SelectionError
from orchestrator.selection.tables.wide_table import TableError
from tests.orchestrator.selection.tables import NAN, curves_of, write_csv

ONCE = SelectionConfig(rungs=(10, 30), keep=2, max_repeats=1, divergence_multiple=None)

FOUR = {
    (1, 0): {10: 1.0, 20: 1.0, 30: 6.0, 40: 6.0},
    (2, 0): {10: 2.0, 20: 2.0, 30: 5.0, 40: 7.0},
    (3, 0): {10: 3.0, 20: 3.0, 30: 4.0, 40: 4.0},
    (4, 0): {10: 4.0, 20: 4.0, 30: 3.0, 40: 8.0},
}
"""In the end, at step 40, 3 is best, then 1, 2, 4. After 10 steps 1 and 2 are; after 30, 2 of them."""


def test_regret_is_how_much_worse_the_choice_ends_than_the_best() -> None:
    report = replay_curves(curves_of(FOUR), ONCE)
    assert report.final_step == 40
    assert (report.selection.choice, report.choice_score, report.choice_place) == ("[[2]]", 7.0, 3)
    assert (report.best, report.best_score, report.regret) == ("[[3]]", 4.0, 3.0)


def test_training_saved_is_against_all_runs_to_the_end() -> None:
    report = replay_curves(curves_of(FOUR), ONCE)
    assert report.steps_trained == 4 * 10 + 2 * 20
    assert report.steps_of_all == 4 * 40
    assert report.saved == 0.5


def test_each_rung_tells_how_many_of_the_best_it_kept_and_how_its_ranks_agree_with_the_end() -> None:
    report = replay_curves(curves_of(FOUR), ONCE)
    # Ranks 1 2 3 4 and 4 3 2 1 against 2 3 1 4: 1 - 6 * 6 / 60 and 1 - 6 * (4 + 0 + 1 + 9) / 60.
    assert [(rung.step, rung.stood, rung.kept) for rung in report.rungs] == [(10, 4, 2), (30, 2, 2)]
    assert [rung.best_kept for rung in report.rungs] == [0.5, 0.5]
    assert [rung.rank_correlation for rung in report.rungs] == pytest.approx([0.4, -0.4])


def test_only_the_best_ten_are_followed() -> None:
    curves = curves_of({(number, 0): {10: number % 20 + 1.0, 30: number + 1.0} for number in range(40)})
    config = ONCE.model_copy(update={"keep": (20.0,)})
    # 0 to 19 and 20 to 39 score alike after 10 steps: kept are 0 to 9 and 20 to 29.
    assert replay_curves(curves, config).rungs[0].best_kept == 1.0
    curves = curves_of({(number, 0): {10: 40.0 - number, 30: number + 1.0} for number in range(40)})
    assert replay_curves(curves, ONCE.model_copy(update={"keep": (34.0,)})).rungs[0].best_kept == 0.4


def test_where_higher_is_better_regret_is_still_what_was_missed() -> None:
    report = replay_curves(curves_of(FOUR), ONCE.model_copy(update={"lower_is_better": False}))
    # 4 and 3 stand after 10 steps; 3 is better after 30 and ends at 4, where 4 would have ended at 8.
    assert (report.selection.choice, report.best, report.regret) == ("[[3]]", "[[4]]", 4.0)


def test_the_final_score_is_the_mean_over_all_seeds_even_unseen_ones() -> None:
    curves = curves_of({(1, 0): {10: 1.0}, (1, 1): {10: 9.0}, (2, 0): {10: 2.0}, (2, 1): {10: 4.0}})
    report = replay_curves(curves, SelectionConfig(rungs=(10,), max_repeats=1))
    assert (report.selection.choice, report.choice_score) == ("[[1]]", 5.0)
    assert (report.best, report.best_score, report.regret) == ("[[2]]", 3.0, 2.0)


def test_the_last_rung_is_the_end_where_few_went_further() -> None:
    curves = curves_of(
        {(1, 0): {10: 1.0, 20: 2.0, 99: 0.1}, (2, 0): {10: 2.0, 20: 1.0}, (3, 0): {10: 3.0, 20: 3.0}}
    )
    report = replay_curves(curves, SelectionConfig(rungs=(10, 20), keep=2, max_repeats=1))
    assert (report.final_step, report.regret) == (20, 0.0)


def test_the_end_is_not_before_the_last_rung_though_few_reached_it() -> None:
    # As in the journal of a selection, where the dropped were trained no further.
    curves = curves_of(
        {(number, 0): {10: float(number), **({30: 1.0} if number < 2 else {})} for number in range(6)}
    )
    report = replay_curves(curves, ONCE)
    assert (report.final_step, report.choice_score, report.regret) == (30, 1.0, 0.0)


def test_a_single_genotype_has_no_regret_and_saves_nothing() -> None:
    report = replay_curves(curves_of({(1, 0): {10: 2.0, 30: 1.0}}), ONCE)
    assert (report.selection.choice, report.regret, report.saved) == ("[[1]]", 0.0, 0.0)
    assert [rung.rank_correlation for rung in report.rungs] == [None, None]


def test_if_all_diverged_there_is_no_choice_and_no_regret() -> None:
    report = replay_curves(curves_of({(1, 0): {10: NAN, 30: NAN}, (2, 0): {10: NAN}}), ONCE)
    assert (report.selection.choice, report.regret, report.best, report.choice_place) == (
        None,
        None,
        None,
        None,
    )
    assert [rung.best_kept for rung in report.rungs] == [None]


def test_notes_tell_what_a_table_lacks() -> None:
    curves = curves_of(
        {
            (1, 0): {10: 1.0, 30: 1.0},
            (2, 0): {10: 2.0, 30: 2.0},
            (3, 0): {30: 2.0},
            (4, 0): {10: 2.0},
            (5, 0): {10: NAN},
        }
    )
    assert replay_curves(curves, ONCE).notes == (
        "runs without a score at a rung though they go on: 1, left out",
        "genotypes without a finite score at step 30: 2, without a place in the end",
    )
    assert replay_curves(curves_of(FOUR), ONCE).notes == ()


def test_genotypes_with_fewer_seeds_than_asked_for_are_compared_by_those_they_have() -> None:
    curves = curves_of({(1, 0): {10: 1.0}, (2, 0): {10: 2.0}, (2, 1): {10: 2.0}})
    report = replay_curves(curves, SelectionConfig(rungs=(10,), repeats=2, max_repeats=1))
    assert report.notes == ("genotypes with fewer than 2 seeds: 1, compared by those they have",)
    assert [standing.runs for standing in report.selection.ranking] == [1, 2]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_is_replayed_from_its_file(tmp_path: Path, suffix: str) -> None:
    rows = [
        (f"[[{genotype}]]", seed, step, score)
        for (genotype, seed), curve in FOUR.items()
        for step, score in curve.items()
    ]
    path = write_csv(tmp_path / "t.csv", rows)
    if suffix == ".parquet":
        from pyarrow import csv, parquet

        parquet.write_table(csv.read_csv(path), tmp_path / "t.parquet")
    report = replay(tmp_path / f"t{suffix}", ONCE)
    assert report == replay_curves(curves_of(FOUR), ONCE)
    assert type(report).model_validate_json(report.model_dump_json()) == report


def test_without_a_config_rungs_are_found_in_the_table(tmp_path: Path) -> None:
    rows = [
        (f"[[{genotype}]]", 0, step, genotype + step)
        for genotype in range(9)
        for step in range(100, 1300, 100)
    ]
    report = replay(write_csv(tmp_path / "t.csv", rows))
    assert report.selection.config.rungs == (100, 300, 600, 1200)
    assert report.selection.choice == "[[0]]"


def test_a_rung_that_is_not_recorded_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", [("[[1]]", 0, 10, 1.0)])
    with pytest.raises(TableError, match="step 30 is not recorded; recorded steps: 10"):
        replay(path, ONCE)


def test_a_budget_too_small_is_refused() -> None:
    with pytest.raises(SelectionError, match="budget = 79"):
        replay_curves(curves_of(FOUR), ONCE.model_copy(update={"budget": 79}))


def test_curves_of_a_table_with_ragged_seeds_are_replayed() -> None:
    ragged: Curves = curves_of(
        {
            (1, 0): {10: 5.0, 30: 5.0},
            (1, 1): {10: 5.2},
            (1, 9): {10: 5.1, 20: 4.0, 30: 5.1},
            (2, 3): {10: 7.0, 30: 6.0},
            (3, 0): {10: 90.0, 30: NAN},
        }
    )
    report = replay_curves(ragged, SelectionConfig(rungs=(10, 30), keep=2))
    assert report.selection.choice == "[[1]]"
    assert report.regret == 0.0
    assert report.selection.ranking[-1].genotype == "[[3]]"
