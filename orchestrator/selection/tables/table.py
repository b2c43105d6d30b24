"""Tables of learning curves, CSV or Parquet: a row a score, or a row a run with a column for each step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.selection.journal import COLUMNS
from orchestrator.selection.tables.wide_table import SCORE, SEED, STEP, TableError, numbers, steps_of, to_long

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Columns:
    """A table's content; arrays have one entry a row."""

    texts: Sequence[str | None]
    """The distinct genotypes as written."""
    genotype: NDArray[np.int64]
    """Index into `texts`."""
    seed: NDArray[np.int64]
    step: NDArray[np.int64]
    score: NDArray[np.float64]
    """NaN where it is empty or not finite: a run that had diverged."""

    def only(self, rows: NDArray[np.bool_]) -> "Columns":
        """Some of the rows."""
        return replace(
            self,
            genotype=self.genotype[rows],
            seed=self.seed[rows],
            step=self.step[rows],
            score=self.score[rows],
        )


MOST_BYTES = 2**30
"""Of a CSV file, or of the uncompressed columns of a Parquet file."""
MOST_ROWS = 20_000_000


def read_columns(path: Path, metric: str = SCORE) -> Columns:
    """The scores of a table; columns that are not needed are ignored.

    Long: columns genotype, seed, step and the metric's. Wide: no column step, but one for each step, named by
    its number (10, 20) or by the metric and the number (fid_10); a seed may be missing.

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
        raise TableError(f"{path}: {first}{cure}") from None
    try:
        if STEP not in table.column_names and (steps := steps_of(table.column_names, metric)):
            table, metric = to_long(table, steps), SCORE
    except TableError as error:
        raise TableError(f"{path}: {error}") from None
    for column in (*COLUMNS[:3], metric):
        if table.column_names.count(column) != 1:
            raise TableError(f"{path}: {_absent(column, table.column_names)}")
    if not len(table):
        raise TableError(f"{path}: has no rows; give one for each genotype, seed and step")
    try:
        return _columns(table, metric)
    except TableError as error:
        raise TableError(f"{path}: {error}") from None


def _table(path: Path) -> "pa.Table":
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            found = file.metadata
            groups = range(found.num_row_groups)
            _require_size(
                path, sum(found.row_group(group).total_byte_size for group in groups), found.num_rows
            )
            return file.read()
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


def _require_size(path: Path, size: int, rows: int = 0) -> None:
    """Before anything is read: a small Parquet file can hold more than any memory."""
    if size > MOST_BYTES or rows > MOST_ROWS:
        held = f"{rows:,} rows" if rows > MOST_ROWS else f"{size / 2**20:,.0f} MiB"
        raise TableError(
            f"{path}: holds {held}; the most are {MOST_ROWS:,} rows and {MOST_BYTES >> 20:,} MiB: keep fewer "
            "steps or columns"
        )


def _absent(column: str, names: Sequence[str]) -> str:
    if column in names:
        return f"column {column!r} is there {names.count(column)} times; keep one"
    near = get_close_matches(column, names, n=1)
    cure = (
        f"rename {near[0]!r}?" if near else f"a table has {', '.join(COLUMNS)}; --metric names another score"
    )
    return f"no column {column!r}, only {', '.join(names)}; {cure}"


def _columns(table: "pa.Table", metric: str) -> Columns:
    import pyarrow as pa

    genotypes = table["genotype"]
    if pa.types.is_dictionary(genotypes.type):
        genotypes = genotypes.cast(genotypes.type.value_type)
    if not (pa.types.is_string(genotypes.type) or pa.types.is_large_string(genotypes.type)):
        raise TableError(f"genotype: is {genotypes.type}; give text, the JSON list of rows")
    encoded = genotypes.combine_chunks().dictionary_encode(null_encoding="encode")
    return Columns(
        texts=encoded.dictionary.to_pylist(),
        genotype=_array(encoded.indices.cast(pa.int64())),
        seed=_whole_numbers(table, SEED),
        step=_whole_numbers(table, STEP),
        score=_scores(table, metric),
    )


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
