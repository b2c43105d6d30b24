from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestrator.selection.tables.table import read_columns
from orchestrator.selection.tables.wide_table import TableError
from tests.orchestrator.selection.tables import write_csv

ROWS = [("[[1, 2]]", 0, 10, 5.5), ("[[1, 2]]", 1, 10, 6), ("[[3, 4]]", 0, 20, 7.25)]


def parquet(path: Path, **columns: object) -> Path:
    table = {"genotype": ["[[1]]", "[[2]]"], "seed": [0, 1], "step": [10, 10], "score": [1.0, 2.0]}
    pq.write_table(pa.table(table | columns), path)
    return path


def test_a_csv_table_becomes_columns(tmp_path: Path) -> None:
    columns = read_columns(write_csv(tmp_path / "table.csv", ROWS))
    assert [columns.texts[index] for index in columns.genotype] == ["[[1, 2]]", "[[1, 2]]", "[[3, 4]]"]
    assert columns.seed.tolist() == [0, 1, 0]
    assert columns.step.tolist() == [10, 10, 20]
    assert columns.score.tolist() == [5.5, 6.0, 7.25]


def test_parquet_holds_the_same(tmp_path: Path) -> None:
    genotype, seed, step, score = zip(*ROWS, strict=True)
    path = parquet(
        tmp_path / "t.parquet", genotype=genotype, seed=seed, step=step, score=list(map(float, score))
    )
    one, other = read_columns(path), read_columns(write_csv(tmp_path / "table.csv", ROWS))
    assert one.texts == other.texts
    for name in ("genotype", "seed", "step", "score"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_other_columns_and_their_order_do_not_matter(tmp_path: Path) -> None:
    rows = [("x", score, step, seed, genotype) for genotype, seed, step, score in ROWS]
    path = write_csv(tmp_path / "t.csv", rows, ("note", "score", "step", "seed", "genotype"))
    assert read_columns(path).score.tolist() == [5.5, 6.0, 7.25]


@pytest.mark.parametrize("score", ["", "nan", "NaN", "inf", "-inf", "Infinity", "NULL"])
def test_a_score_that_is_not_finite_is_nan(tmp_path: Path, score: str) -> None:
    columns = read_columns(write_csv(tmp_path / "t.csv", [*ROWS, ("[[5]]", 0, 10, score)]))
    assert np.isnan(columns.score).tolist() == [False, False, False, True]


def test_a_column_of_nothing_but_missing_scores_is_nan(tmp_path: Path) -> None:
    assert np.isnan(read_columns(write_csv(tmp_path / "t.csv", [("[[5]]", 0, 10, "")])).score).all()


@pytest.mark.parametrize(
    "columns",
    [
        {"score": pa.array([1, 2], pa.int32())},
        {"score": pa.array([1.0, 2.0], pa.float32())},
        {"seed": pa.array([0.0, 1.0])},
        {"seed": pa.array([0, 1], pa.uint64())},
        {"genotype": pa.array(["[[1]]", "[[2]]"]).dictionary_encode()},
        {"genotype": pa.array(["[[1]]", "[[2]]"], pa.large_string())},
    ],
)
def test_parquet_may_hold_any_kind_of_number_and_text(tmp_path: Path, columns: dict[str, object]) -> None:
    read = read_columns(parquet(tmp_path / "t.parquet", **columns))
    assert read.score.tolist() == [1.0, 2.0]
    assert read.seed.tolist() == [0, 1]
    assert [read.texts[index] for index in read.genotype] == ["[[1]]", "[[2]]"]


def test_large_seeds_keep_every_digit(tmp_path: Path) -> None:
    seed = 2**63 - 25
    assert read_columns(write_csv(tmp_path / "t.csv", [("[[5]]", seed, 10, 1.0)])).seed.tolist() == [seed]


Write = Callable[[Path], Path]


def csv_of(text: str) -> Write:
    return lambda folder: _written(folder / "t.csv", text)


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


HEADER = "genotype,seed,step,score\n"


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda folder: folder / "none.csv", "none.csv: no such file; give a .csv or .parquet table"),
        (lambda folder: folder, "no such file"),
        (
            lambda folder: _written(folder / "t.xlsx", ""),
            r"unknown suffix '.xlsx'; a table ends in .csv or .parquet",
        ),
        (lambda folder: _written(folder / "t.parquet", "genotype"), "t.parquet: "),
        (csv_of(""), "t.csv: is empty; give a line with genotype, seed, step, score"),
        (csv_of(HEADER), "t.csv: has no rows"),
        (
            csv_of('genotype,seed,step,note\n"[[1]]",0,1,text\n'),
            "no column 'score', only genotype, seed, step, note",
        ),
        (
            csv_of('genotypes,seed,step,score\n"[[1]]",0,1,2\n'),
            "no column 'genotype', .*; rename 'genotypes'?",
        ),
        (csv_of('genotype,seed,step,score,score\n"[[1]]",0,1,2,3\n'), "'score' is there 2 times; keep one"),
        (csv_of(HEADER + "[[1,2]],0,1,2\n"), "Expected 4 columns, got 5.*; quote the genotypes"),
        (
            csv_of(HEADER + '"[[1]]",0,1,2\n"[[1]]",x,2,2\n'),
            "t.csv: seed: row 2 holds 'x'; give a whole number",
        ),
        (csv_of(HEADER + '"[[1]]",0,1,2\n"[[1]]",,2,2\n'), "seed: row 2 is empty; give a whole number"),
        (csv_of(HEADER + '"[[1]]",0,1.5,2\n'), "step: must be whole numbers; .*1.5"),
        (csv_of(HEADER + '"[[1]]",0,1,2\n"[[1]]",0,2,died\n'), "score: row 2 holds 'died'; give a number"),
        (csv_of(HEADER + '"[[1]]",0,2020-01-01,1\n'), "step: row 1 holds .*2020.*; give a whole number"),
        (
            lambda folder: parquet(folder / "t.parquet", genotype=[[[1]], [[2]]]),
            "genotype: is list<.*; give text, the JSON list of rows",
        ),
        (lambda folder: parquet(folder / "t.parquet", score=["1", "2"]), "score: is string; give numbers"),
        (
            lambda folder: parquet(folder / "t.parquet", seed=pa.array([2**64 - 1, 0], pa.uint64())),
            "seed: must be whole",
        ),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(tmp_path: Path, write: Write, message: str) -> None:
    with pytest.raises(TableError, match=message) as error:
        read_columns(write(tmp_path))
    assert "\n" not in str(error.value)
