"""What a replay once got wrong on a table of several hundred trainings, each with the right answer."""

import pytest

from orchestrator.__main__ import main
from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.replay import replay_curves
from orchestrator.selection.tables.wide_table import TableError
from tests.orchestrator.selection.tables import NAN, curves_of, write_csv

TWO_RUNGS = SelectionConfig(rungs=(10, 40), keep=2, max_repeats=1)


def test_runs_that_were_never_asked_for_save_nothing() -> None:
    once = {(number, 0): {10: number + 1.0, 40: number + 1.0} for number in range(4)}
    twice = once | {(number, 1): curve for (number, _), curve in once.items()}
    # 4 to 10 and 2 on to 40, instead of 4 to 40.
    for runs in (once, twice):
        assert replay_curves(curves_of(runs), TWO_RUNGS).saved == pytest.approx(1 - 100 / 160)


def test_a_run_without_its_last_row_has_not_diverged() -> None:
    curves = curves_of(
        {
            (1, 0): {10: 1.0, 20: 1.0},
            (2, 0): {10: 2.0, 20: 2.0, 40: 2.0},
            (3, 0): {10: 3.0, 20: 3.0, 40: 3.0},
            (4, 0): {10: 4.0, 20: 4.0, 40: 4.0},
        }
    )
    report = replay_curves(curves, TWO_RUNGS)
    assert not any(standing.diverged for standing in report.selection.ranking)
    assert report.selection.choice == "[[2]]"
    assert report.notes[0] == (
        "runs that end with a finite score before a rung that they were to be trained to: 1, left out"
    )


def test_a_run_whose_last_row_is_empty_has_diverged() -> None:
    curves = curves_of({(number, 0): {10: 1.0, 40: NAN if number == 1 else number} for number in (1, 2, 3)})
    report = replay_curves(curves, TWO_RUNGS)
    assert [each.genotype for each in report.selection.ranking if each.diverged] == ["[[1]]"]


def test_where_half_of_the_runs_ended_earlier_the_other_half_is_compared() -> None:
    curves = curves_of(
        {
            (number, 0): {10: number, **({40: number} if number % 2 else {20: number})}
            for number in range(1, 9)
        }
    )
    selection = replay_curves(curves, TWO_RUNGS).selection
    assert selection.choice == "[[1]]"
    assert not any(standing.diverged for standing in selection.ranking)


def test_rungs_that_nobody_has_recorded_together_are_refused_with_those_that_were() -> None:
    curves = curves_of({(1, 0): {10: 1.0, 30: 1.0}, (2, 0): {20: 1.0, 30: 1.0}, (3, 0): {10: 1.0, 30: 2.0}})
    with pytest.raises(TableError, match=r"step 20 is recorded in 1 of 3 runs only; recorded steps: 10, 30"):
        replay_curves(curves, SelectionConfig(rungs=(10, 20, 30)))


def test_shares_of_the_training_find_the_nearest_rungs_recorded_by_those_that_reach_the_end() -> None:
    whole = {(number, 0): {10: number, 50: number, 100: number} for number in range(1, 4)}
    short = {(number, 0): {20: number, 40: number} for number in range(4, 7)}
    config = SelectionConfig(rungs=(0.2, 0.4, 1.0))
    assert replay_curves(curves_of(whole | short), config).selection.config.rungs == (10, 50, 100)


@pytest.fixture
def table(tmp_path):
    rows = [
        (f"[[{genotype}]]", seed, step, 10.0 * genotype + seed, 100.0 - genotype)
        for genotype in range(5)
        for seed in (0, 1)
        for step in (0, 10, 40)
    ]
    return str(write_csv(tmp_path / "t.csv", rows, ("genotype", "seed", "step", "score", "kid")))


def test_the_metric_is_the_column_of_its_name(table, capsys):
    assert main(["select", "--replay", table, "--rungs", "10,40", "--json"]) == 0
    assert '"choice":"[[0]]"' in capsys.readouterr().out
    assert main(["select", "--replay", table, "--rungs", "10,40", "--json", "--metric", "kid"]) == 0
    assert '"choice":"[[4]]"' in capsys.readouterr().out
    assert main(["select", "--replay", table, "--metric", "fid"]) == 2
    assert "no column 'fid', only genotype, seed, step, score, kid" in capsys.readouterr().err


def test_rows_of_step_0_are_left_out(table, capsys):
    assert main(["select", "--replay", table]) == 0
    assert "note: rows of step 0, before any training: 10, left out" in capsys.readouterr().out


def test_the_noise_is_that_of_all_genotypes_with_repeats(table, capsys):
    assert main(["select", "--replay", table, "--max_repeats", "1"]) == 0
    # Scores of the two seeds differ by 1: a deviation of 1 / sqrt(2).
    expected = "runs of one genotype deviate by 0.71 at step 40, pooled over 5 genotypes with repeats"
    assert expected in " ".join(capsys.readouterr().out.split())


def test_nothing_chosen_is_a_failure(tmp_path, capsys):
    rows = [(f"[[{genotype}]]", 0, step, "") for genotype in range(3) for step in (10, 40)]
    assert main(["select", "--replay", str(write_csv(tmp_path / "t.csv", rows))]) == 2
    assert "nothing chosen, as every candidate still standing diverged (3)" in capsys.readouterr().err
