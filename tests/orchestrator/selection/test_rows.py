from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policy import select
from orchestrator.selection.result import to_rows
from tests.orchestrator.selection.sources import Scripted, candidates

SELECTION = select(
    candidates("abcd"),
    Scripted(
        {
            ("a", 0): {10: 3.0, 20: 3.0},
            ("b", 0): {10: 2.0, 20: 4.0},
            ("c", 0): {10: 5.0},
            ("d", 0): {10: None},
        }
    ),
    SelectionConfig(rungs=(10, 20), keep=2, max_repeats=1),
)


def test_there_is_a_row_for_each_candidate_at_each_rung() -> None:
    rows = to_rows(SELECTION)
    assert [(row["genotype"], row["step"], row["place"], row["kept"]) for row in rows] == [
        ("b", 10, 1, True),
        ("a", 10, 2, True),
        ("c", 10, 3, False),
        ("d", 10, 4, False),
        ("a", 20, 1, True),
        ("b", 20, 2, True),
    ]
    assert [row["final_place"] for row in rows] == [2, 1, 3, 4, 1, 2]
    assert [row["chosen"] for row in rows] == [False, True, False, False, True, False]


def test_diverged_candidates_have_rows_without_scores() -> None:
    (lost,) = [row for row in to_rows(SELECTION) if row["genotype"] == "d"]
    assert (lost["mean"], lost["scores"], lost["runs"], lost["diverged"]) == (None, [], 1, 1)
    assert lost["reason"] == "diverged: no finite score at step 10 (seed 0)"


def test_rows_survive_parquet(tmp_path: Path) -> None:
    rows = to_rows(SELECTION)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "selection.parquet")
    assert pq.read_table(tmp_path / "selection.parquet").to_pylist() == rows
