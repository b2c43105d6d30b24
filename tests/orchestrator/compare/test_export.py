"""Rows for programs."""

import json

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


def test_other_suffixes_are_refused():
    with pytest.raises(UserError, match=r"--data rows\.csv: unknown suffix '\.csv'; use"):
        require_suffix(__import__("pathlib").Path("rows.csv"))
