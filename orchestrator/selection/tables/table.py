"""Tables of learning curves, CSV or Parquet: one row per score, or one row per run with a column for each
step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.selection.journal import COLUMNS
from orchestrator.selection.tables.spelling import require, scores_in, spelled, with_seeds
from orchestrator.selection.tables.wide_table import (
    SCORE,
    SEED,
    STEP,
    TableError,
    metric_in,
    numbers,
    steps_of,
    to_long,
)

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


@dataclass(frozen=True)
class Columns:
    """The content of a table; arrays have one entry per row."""

    texts: Sequence[str | None]
    """The distinct genotypes as written."""
    genotype: NDArray[np.int64]
    """Index into `texts`."""
    seed: NDArray[np.int64]
    step: NDArray[np.int64]
    score: NDArray[np.float64]
    """The scores; NaN where a cell is empty or not finite: the run had diverged."""
    metric: str = SCORE
    """What the table calls them."""

    def only(self, rows: NDArray[np.bool_]) -> "Columns":
        """Some of the rows."""
        return replace(
            self,
            genotype=self.genotype[rows],
            seed=self.seed[rows],
            step=self.step[rows],
            score=self.score[rows],
        )


MOST_BYTES = 2**29
"""Size limit of a CSV file, or of a Parquet file's columns in memory; reading takes a few times as much."""
MOST_ROWS = 5_000_000

WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8, "BYTE_ARRAY": 4}
"""Bytes of a value in memory. Texts are kept once each and numbered, as the file does."""


def read_columns(path: Path, metric: str = SCORE) -> Columns:
    """The scores of a table; columns that are not needed are ignored.

    Long: columns genotype, seed, step and the metric's. Wide: no column step, but one for each step, named by
    its number (10, 20) or by the metric and the number (fid_10). Where a genotype has one run, a seed may be
    missing. Names may be spelled as in `spelling.SPELLINGS`.

    Raises:
        TableError: no such file, not a table, too large, no rows, a column missing or of another kind.
    """
    import pyarrow as pa

    if not path.is_file():
        raise TableError(f"{path}: no such file; give a .csv or .parquet table")
    try:
        table = _table(path)
    except (pa.ArrowException, OSError) as error:
        first = str(error).splitlines()[0]
        cure = "; quote the genotypes, they contain commas" if "columns, got" in first else ""
        if first == "Empty CSV file":
            first, cure = "is empty", f"; give a line with {', '.join(COLUMNS)}, then one for each score"
        raise TableError(f"{path}: {first}{cure}") from None
    try:
        return _read(spelled(table), metric)
    except TableError as error:
        raise TableError(f"{path}: {error}") from None


def _read(table: "pa.Table", metric: str) -> Columns:
    found = ""
    if STEP not in table.column_names and (steps := steps_of(table.column_names, metric)):
        _require_rows(len(table) * len(steps))
        found, metric = metric_in(next(iter(steps))), SCORE
        table = to_long(table, steps)
    column = scores_in(table, metric)
    table = with_seeds(table)
    require(table.column_names, (*COLUMNS[:3], column))
    if not len(table):
        raise TableError("has no rows; give one for each genotype, seed and step")
    return _columns(table, column, found or column)


def _table(path: Path) -> "pa.Table":
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            found = file.metadata
            _require_size(path, _bytes_in_memory(found), found.num_rows)
            columns = (found.schema.column(number) for number in range(len(found.schema)))
            texts = [column.path for column in columns if _is_text(column)]
        return pq.ParquetFile(path, read_dictionary=texts).read()
    if suffix == ".csv":
        import pyarrow as pa
        from pyarrow import csv

        size = path.stat().st_size
        _require_size(path, size)
        return csv.read_csv(
            path,
            # In one block, as a row has to fit into one however wide it is.
            read_options=csv.ReadOptions(block_size=max(size + 1, 1 << 20)),
            convert_options=csv.ConvertOptions(column_types={"genotype": pa.string()}),
        )
    raise TableError(f"{path}: unknown suffix {suffix!r}; a table ends in .csv or .parquet")


def _bytes_in_memory(found: "pq.FileMetaData") -> int:
    """Bytes of all columns in memory: ten thousand equal values take only a few bytes in the file."""
    total = 0
    for group in map(found.row_group, range(found.num_row_groups)):
        total += group.total_byte_size
        for number in range(group.num_columns):
            column = found.schema.column(number)
            width = column.length or WIDTHS[column.physical_type]
            total += group.column(number).num_values * width
    return total


def _is_text(column: "pq.ColumnSchema") -> bool:
    return column.physical_type == "BYTE_ARRAY" and column.logical_type.type != "DECIMAL"


def _require_size(path: Path, size: int, rows: int = 0) -> None:
    """Before anything is read: a small Parquet file can hold more than any memory."""
    if size > MOST_BYTES or rows > MOST_ROWS:
        held = f"{rows:,} rows" if rows > MOST_ROWS else f"{size / 2**20:,.0f} MiB"
        raise TableError(
            f"{path}: holds {held}; the most are {MOST_ROWS:,} rows and {MOST_BYTES >> 20:,} MiB: keep fewer "
            "steps or columns"
        )


def _require_rows(scores: int) -> None:
    if scores > MOST_ROWS:
        raise TableError(f"holds {scores:,} scores; the most are {MOST_ROWS:,}: keep fewer steps")


def _columns(table: "pa.Table", column: str, metric: str) -> Columns:
    texts, genotype = _distinct(table["genotype"])
    return Columns(
        texts=texts,
        genotype=genotype,
        seed=_whole_numbers(table, SEED),
        step=_whole_numbers(table, STEP),
        score=_scores(table, column),
        metric=metric,
    )


def _distinct(genotypes: "pa.ChunkedArray") -> tuple[Sequence[str | None], NDArray[np.int64]]:
    """The texts in the order in which they come up, and which of them each row has."""
    import pyarrow as pa

    is_encoded = pa.types.is_dictionary(genotypes.type)
    kind = genotypes.type.value_type if is_encoded else genotypes.type
    if pa.types.is_integer(kind):
        return _distinct(genotypes.cast(pa.string()))
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise TableError(f"genotype: is {kind}; give text, the JSON list of rows or a name")
    if not is_encoded:
        genotypes = genotypes.dictionary_encode()
    # Files may list texts that no row has.
    numbered = genotypes.unify_dictionaries().combine_chunks()
    used = numbered.indices.dictionary_encode(null_encoding="encode")
    texts = numbered.dictionary.take(used.dictionary).to_pylist()
    return texts, _array(used.indices.cast(pa.int64()))


def _scores(table: "pa.Table", column: str) -> NDArray[np.float64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = numbers(table, column, "a number").cast(pa.float64())
    scores = np.full(len(values), np.nan)
    scores[_array(pc.indices_nonzero(values.is_valid()))] = _array(values.drop_null())
    scores[~np.isfinite(scores)] = np.nan
    return scores


def _whole_numbers(table: "pa.Table", column: str) -> NDArray[np.int64]:
    import pyarrow as pa

    values = numbers(table, column, "a whole number")
    if values.null_count:
        row = values.is_null().to_pylist().index(True)
        raise TableError(f"{column}: row {row + 1} is empty; give a whole number")
    try:
        return _array(values.cast(pa.int64()))
    except pa.ArrowInvalid as error:
        raise TableError(f"{column}: must be whole numbers; {str(error).splitlines()[0]}") from None


def _array(values: "pa.Array | pa.ChunkedArray") -> NDArray[Any]:
    """Numbers without nulls; `to_numpy` would import pandas for them."""
    import pyarrow as pa

    return np.from_dlpack(values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values)
