"""Tables of learning curves: CSV or Parquet, one row for each genotype, seed and step."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.selection.journal import COLUMNS
from search_space.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa


class TableError(UserError):
    """A table that holds no learning curves, or not those asked for."""


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


def read_columns(path: Path) -> Columns:
    """The columns genotype, seed, step and score of a table; others are ignored.

    Raises:
        TableError: no such file, not a table, no rows, a column missing, or one that holds something else.
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
    for column in COLUMNS:
        if table.column_names.count(column) != 1:
            raise TableError(f"{path}: {_absent(column, table.column_names)}")
    if not len(table):
        raise TableError(f"{path}: has no rows; give one for each genotype, seed and step")
    try:
        return _columns(table)
    except TableError as error:
        raise TableError(f"{path}: {error}") from None


def _table(path: Path) -> "pa.Table":
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.ParquetFile(path).read()
    if suffix == ".csv":
        import pyarrow as pa
        from pyarrow import csv

        return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types={"genotype": pa.string()}))
    raise TableError(f"{path}: unknown suffix {suffix!r}; a table ends in .csv or .parquet")


def _absent(column: str, names: Sequence[str]) -> str:
    if column in names:
        return f"column {column!r} is there {names.count(column)} times; keep one"
    near = get_close_matches(column, names, n=1)
    cure = f"rename {near[0]!r}?" if near else f"a table has {', '.join(COLUMNS)}"
    return f"no column {column!r}, only {', '.join(names)}; {cure}"


def _columns(table: "pa.Table") -> Columns:
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
        seed=_whole_numbers(table, "seed"),
        step=_whole_numbers(table, "step"),
        score=_scores(table),
    )


def _scores(table: "pa.Table") -> NDArray[np.float64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = _numbers(table, "score", "a number").cast(pa.float64())
    scores = np.full(len(values), np.nan)
    scores[_array(pc.indices_nonzero(values.is_valid()))] = _array(values.drop_null())
    scores[~np.isfinite(scores)] = np.nan
    return scores


def _whole_numbers(table: "pa.Table", column: str) -> NDArray[np.int64]:
    import pyarrow as pa

    values = _numbers(table, column, "a whole number")
    if values.null_count:
        row = values.is_null().to_pylist().index(True)
        raise TableError(f"{column}: row {row + 1} is empty; give a whole number")
    try:
        return _array(values.cast(pa.int64()))
    except pa.ArrowInvalid as error:
        raise TableError(f"{column}: must be whole numbers; {str(error).splitlines()[0]}") from None


def _numbers(table: "pa.Table", column: str, expected: str) -> "pa.ChunkedArray":
    from pyarrow import types

    values = table[column]
    if any(
        is_kind(values.type)
        for is_kind in (types.is_integer, types.is_floating, types.is_decimal, types.is_null)
    ):
        return values
    for row, value in enumerate(values.to_pylist()):
        if not _is_number(value):
            raise TableError(f"{column}: row {row + 1} holds {value!r}; give {expected}")
    raise TableError(f"{column}: is {values.type}; give numbers")


def _array(values: "pa.Array | pa.ChunkedArray") -> NDArray[Any]:
    """Numbers without nulls; `to_numpy` would import pandas for them."""
    import pyarrow as pa

    return np.from_dlpack(values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values)


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return value is None
    return True
