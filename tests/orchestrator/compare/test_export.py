"""Rows for programs."""

import csv
import json
from pathlib import Path

import pyarrow.parquet
import pytest

from orchestrator.compare.export import require_suffix, rows_of, write_rows
from orchestrator.compare.groups import groups_of
from search_space.errors import UserError
from tests.orchestrator.compare.candidates import trained


@pytest.fixture
def rows():
    everyone = [
        trained("a", 9.0, 11.0),
        trained("b", 30.0, genotype=1),
        trained("c", trainings=(), genotype=2),
    ]
    return rows_of(groups_of(everyone), everyone)


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_rows_come_back(rows, tmp_path, suffix):
    path = tmp_path / f"rows{suffix}"
    write_rows(path, rows)
    read = json.loads(path.read_text()) if suffix == ".json" else pyarrow.parquet.read_table(path).to_pylist()
    assert [(row["name"], row.get("mean"), row.get("group")) for row in read] == [
        ("a", 10.0, 0),
        ("b", 30.0, 0),
        ("c", None, None),
    ]
    assert read[1]["behind"] == 20.0


def test_a_csv_has_a_row_a_candidate_with_lists_as_json(rows, tmp_path):
    write_rows(tmp_path / "rows.csv", rows)
    with (tmp_path / "rows.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [(row["name"], row["mean"], row["group"], row["scores"]) for row in read] == [
        ("a", "10", "0", "[9.0, 11.0]"),
        ("b", "30", "0", "[30.0]"),
        ("c", "", "", ""),
    ]
    for row, given in zip(read, rows, strict=True):
        assert json.loads(row["primitives"]) == given["primitives"]
        assert json.loads(row["published"]) == given["published"]


def test_other_suffixes_are_refused():
    with pytest.raises(UserError, match=r"--data rows\.xlsx: unknown suffix '\.xlsx'; use .* or \.csv"):
        require_suffix(Path("rows.xlsx"))
