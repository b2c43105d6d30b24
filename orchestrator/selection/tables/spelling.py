"""The columns of a table by the names that others give them."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np

from orchestrator.selection.tables.wide_table import SCORE, SEED, STEP, USUAL, TableError, alike

if TYPE_CHECKING:
    import pyarrow as pa

GENOTYPE = "genotype"
SPELLINGS = {
    GENOTYPE: ("genotype", "architecture", "arch"),
    SEED: ("seed", "run"),
    STEP: ("step", "epoch"),
    SCORE: ("score",),
}
"""Column -> what it may be called, in any case; the first name that a table has counts."""


def spelled(table: "pa.Table") -> "pa.Table":
    """The table with our names; a column that has one already keeps it."""
    names = list(table.column_names)
    for ours, spellings in SPELLINGS.items():
        if ours not in names:
            found = [name for each in spellings for name in names if name.lower() == each]
            names = [ours if name in found[:1] else name for name in names]
    return table.rename_columns(names)


def scores_in(table: "pa.Table", metric: str) -> str:
    """The column of a long table's scores: the metric's or, where none is named, FID or the only numbers.

    Raises:
        TableError: there is none, or several.
    """
    names = table.column_names
    if named := alike(metric, names):
        return named
    numbers = [
        name for name in names if name not in (GENOTYPE, SEED, STEP) and _holds_numbers(table[name].type)
    ]
    if metric == SCORE and (usual := numbers[0] if len(numbers) == 1 else alike(USUAL, numbers)):
        return usual
    if numbers and {GENOTYPE, STEP} <= set(names):
        raise TableError(
            f"no column {metric!r}, only {', '.join(names)}; use --metric {' or '.join(numbers)}"
        )
    return metric


def require(names: Sequence[str], columns: Sequence[str]) -> None:
    """Every one of these columns is there once.

    Raises:
        TableError: one is not.
    """
    for column in columns:
        if names.count(column) != 1:
            raise TableError(_absent(column, names))


def with_seeds(table: "pa.Table") -> "pa.Table":
    """A long table without seeds holds one run of each genotype."""
    import pyarrow as pa

    if SEED in table.column_names or not {GENOTYPE, STEP} <= set(table.column_names):
        return table
    counts = table.group_by([GENOTYPE, STEP]).aggregate([([], "count_all")])
    if len(counts) < len(table):
        again = int(np.argmax(counts["count_all"].to_numpy()))
        genotype, step = counts[GENOTYPE][again].as_py(), counts[STEP][again].as_py()
        raise TableError(
            f"{genotype} has several rows of step {step}; give a column seed that tells its runs apart"
        )
    return table.append_column(SEED, pa.array(np.zeros(len(table), np.int64)))


def _holds_numbers(kind: "pa.DataType") -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _absent(column: str, names: Sequence[str]) -> str:
    if column in names:
        return f"column {column!r} is there {names.count(column)} times; keep one"
    near = get_close_matches(column, names, n=1)
    cure = (
        f"rename {near[0]!r}?"
        if near
        else f"a table has {', '.join(SPELLINGS)}; --metric names another score"
    )
    return f"no column {column!r}, only {', '.join(names)}; {cure}"
