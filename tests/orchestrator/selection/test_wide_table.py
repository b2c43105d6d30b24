"""Tables with a row a run: as wide as they like, their steps in the names of columns."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestrator.selection.curves import Curves
from orchestrator.selection.tables import table as tables
from orchestrator.selection.tables.wide_table import TableError, steps_of
from tests.orchestrator.selection.tables import write_csv


def test_a_column_a_step_is_read_as_a_row_a_score(tmp_path):
    long = write_csv(
        tmp_path / "long.csv",
        [("[[1]]", 0, 10, 5.0), ("[[1]]", 0, 20, 4.0), ("[[2]]", 0, 10, 7.0), ("[[1]]", 1, 10, 6.0)],
    )
    wide = write_csv(
        tmp_path / "wide.csv",
        [("[[1]]", 5.0, 4.0), ("[[2]]", 7.0, ""), ("[[1]]", 6.0, "")],
        ("genotype", "10", "20"),
    )
    one, other = Curves.read(long), Curves.read(wide)
    for name in ("genotype", "seed", "step", "score"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()


def test_parquet_may_be_wide_too_and_keeps_its_seeds(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"genotype": ["[[1]]"], "seed": [7], "fid_10": [5.0], "fid_20": [4.0]}), path)
    curves = Curves.read(path)
    assert (curves.seed.tolist(), curves.step.tolist(), curves.score.tolist()) == (
        [7, 7],
        [10, 20],
        [5.0, 4.0],
    )


@pytest.mark.parametrize(
    ("names", "metric", "steps"),
    [
        (["genotype", "10", "20"], "score", [10, 20]),
        (["genotype", "fid_10", "fid_20", "is_10", "is_20"], "is", [10, 20]),
        (["genotype", "epoch 5", "epoch 10", "layer3"], "score", [5, 10]),
        (["genotype", "note"], "score", []),
    ],
)
def test_steps_are_read_from_names(names, metric, steps):
    assert list(steps_of(names, metric).values()) == steps


@pytest.mark.parametrize("metric", ["score", "fid"])
def test_several_metrics_have_to_be_told_apart(metric):
    message = f"metric: {metric} has no columns by step; use --metric with one of: kid, is"
    with pytest.raises(TableError, match=message):
        steps_of(["kid_10", "kid_20", "is_10", "is_20"], metric)


def test_a_row_may_be_wider_than_a_block_of_the_reader(tmp_path):
    steps = range(1, 150_001)
    path = write_csv(
        tmp_path / "t.csv", [("[[1]]", *(f"{step}.123456" for step in steps))], ("genotype", *steps)
    )
    assert path.stat().st_size > 2 << 20
    assert len(Curves.read(path).step) == len(steps)


def test_a_small_file_that_holds_too_much_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    count = 100_000
    pq.write_table(
        pa.table(
            {"genotype": ["[[1]]"] * count, "seed": [0] * count, "step": [1] * count, "score": [1.0] * count}
        ),
        path,
    )
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(tables, "MOST_ROWS", count - 1)
    with pytest.raises(TableError, match=r"t\.parquet: holds 100,000 rows; the most are 99,999 rows"):
        Curves.read(path)


def test_values_that_repeat_count_with_the_room_they_take(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    count = 100_000
    columns = {name: np.zeros(count) for name in "abcdefgh"}
    pq.write_table(pa.table(columns), path)
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(tables, "MOST_BYTES", 8 * 8 * count)
    with pytest.raises(TableError, match=r"holds 6 MiB; the most are .* 6 MiB"):
        Curves.read(path)


def test_a_long_text_in_every_row_of_a_small_file_is_kept_once(tmp_path):
    """Written out, the texts would take 4 GB."""
    path = tmp_path / "t.parquet"
    rows, text = 200_000, "[[" + "1, " * 5000 + "1]]"
    numbers = pa.array(np.zeros(rows, np.int32))
    texts = pa.DictionaryArray.from_arrays(numbers, [text, "[[2]]"])
    one = np.ones(rows)
    pq.write_table(
        pa.table({"genotype": texts, "seed": numbers, "step": one, "score": one, "notes": texts}), path
    )
    columns = tables.read_columns(path)
    assert columns.texts == [text]
    assert pa.default_memory_pool().max_memory() < 1e9


def test_a_wide_table_of_more_scores_than_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    path = write_csv(tmp_path / "t.csv", [("[[1]]", 5.0, 6.0), ("[[2]]", 5.0, 6.0)], ("genotype", "10", "20"))
    with pytest.raises(TableError, match="holds 4 scores; the most are 3"):
        Curves.read(path)


def test_a_text_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MOST_BYTES", 10)
    with pytest.raises(TableError, match="keep fewer steps or columns"):
        Curves.read(write_csv(tmp_path / "t.csv", [("[[1]]", 0, 10, 5.0)]))
