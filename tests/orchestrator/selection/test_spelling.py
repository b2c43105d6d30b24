"""Tables of others: their names for columns and genotypes, and runs without seeds."""

import pytest

from orchestrator.__main__ import main
from orchestrator.selection.curves import Curves
from orchestrator.selection.tables.wide_table import TableError
from tests.orchestrator.selection.tables import write_csv

OURS = ("genotype", "seed", "step", "score")
ROWS = [(f"[[{number}]]", seed, step, 10.0 * number + seed + 100 / step)
        for number in range(6) for seed in (0, 1) for step in (10, 20, 240)]  # fmt: skip


def content(curves):
    return [getattr(curves, name).tolist() for name in ("genotype", "seed", "step", "score")]


@pytest.mark.parametrize(
    "header",
    [
        ("Genotype", "Seed", "Epoch", "FID"),
        ("architecture", "seed", "epoch", "fid"),
        ("arch", "run", "STEP", "loss"),
    ],
)
def test_columns_may_go_by_the_names_that_others_give_them(tmp_path, header):
    curves = Curves.read(write_csv(tmp_path / "t.csv", ROWS, header))
    assert content(curves) == content(Curves.read(write_csv(tmp_path / "ours.csv", ROWS)))
    assert curves.metric == header[3]


def test_a_column_that_has_our_name_is_the_one_that_counts(tmp_path):
    rows = [(*row, 7, 99) for row in ROWS]
    curves = Curves.read(write_csv(tmp_path / "t.csv", rows, (*OURS, "epoch", "fid")))
    assert content(curves) == content(Curves.read(write_csv(tmp_path / "ours.csv", ROWS)))


def test_of_several_scores_fid_is_taken_where_none_is_asked_for(tmp_path):
    rows = [(*row, 100 - row[3]) for row in ROWS]
    path = write_csv(tmp_path / "t.csv", rows, ("genotype", "seed", "step", "Fid", "inception"))
    assert Curves.read(path).score.tolist() == Curves.read(path, "fid").score.tolist()
    assert Curves.read(path, "inception").score[0] == 100 - Curves.read(path).score[0]
    wide = write_csv(tmp_path / "w.csv", [("a", 5, 4, 1, 2)], ("arch", "FID_1", "FID_2", "is_1", "is_2"))
    assert (Curves.read(wide).score.tolist(), Curves.read(wide).metric) == ([5, 4], "FID")


def test_several_scores_without_a_name_that_is_known_are_listed(tmp_path):
    rows = [(*row, 1.0) for row in ROWS]
    path = write_csv(tmp_path / "t.csv", rows, ("genotype", "seed", "step", "kid", "is"))
    with pytest.raises(TableError, match=r"no column 'score', only .*; use --metric kid or is"):
        Curves.read(path)


def test_genotypes_may_be_names_numbers_or_flat_lists(tmp_path):
    def read(name):
        return Curves.read(
            write_csv(tmp_path / "t.csv", [(name(row[0].strip("[]")), *row[1:]) for row in ROWS])
        )

    named, numbered, flat = read(lambda n: f" net-{n} "), read(str), read(lambda n: f"[{n}, 1]")
    assert named.genotypes[0] == "net-0"
    assert numbered.genotypes[5] == "5"
    assert flat.genotypes[0] == "[[0,1]]"
    assert content(named) == content(numbered) == content(flat)


def test_every_policy_selects_among_names(tmp_path, capsys):
    rows = [(f"net-{row[0].strip('[]')}", *row[1:]) for row in ROWS]
    table = str(write_csv(tmp_path / "t.csv", rows, ("architecture", "seed", "epoch", "fid")))
    draws = ("--draws", "5", "--of", "5", "--policies", "all", "--budgets", "0.7")
    assert main(["select", "--replay", table, *draws]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "ends than the pool's best, in fid" in output
    for policy in ("halving", "asha", "random", "full", "freeze_thaw"):
        assert f" {policy} " in output
    assert main(["select", "--replay", table]) == 0
    output = capsys.readouterr().out
    assert "Ranking by fid" in output
    assert "chosen: net-0" in output


def test_one_run_of_each_genotype_needs_no_seeds(tmp_path):
    rows = [(genotype, step, score) for genotype, seed, step, score in ROWS if seed == 0]
    curves = Curves.read(write_csv(tmp_path / "t.csv", rows, ("genotype", "step", "score")))
    assert content(curves) == content(
        Curves.read(write_csv(tmp_path / "ours.csv", [row for row in ROWS if row[1] == 0]))
    )


def test_several_runs_without_seeds_are_refused_with_the_cure(tmp_path, capsys):
    rows = [(genotype, step, score) for genotype, _, step, score in ROWS]
    path = write_csv(tmp_path / "t.csv", rows, ("genotype", "epoch", "fid"))
    assert main(["select", "--replay", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("has several rows of step 10; give a column seed that tells its runs apart")
