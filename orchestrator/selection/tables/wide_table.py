"""Tables with one row per run and one column per step."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from search_space.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa


class TableError(UserError):
    """A table that holds no learning curves, or not those asked for."""


SCORE = "score"
"""The column of scores unless another is named."""
USUAL = "fid"
"""What is taken for the score where a table has several and none is called so or asked for."""
STEP, SEED = "step", "seed"
NUMBERED = re.compile(r"(?P<metric>.*?)[ _.@-]?(?P<step>[0-9]{1,15})")


def steps_of(names: Sequence[str], metric: str) -> dict[str, int]:
    """The columns of a wide table that hold the metric's scores, with their steps; empty if there are none.

    Raises:
        TableError: there are several metrics, none of them the one asked for.
    """
    found: dict[str, dict[str, int]] = {}
    for name in names:
        if match := NUMBERED.fullmatch(name):
            found.setdefault(match["metric"], {})[name] = int(match["step"])
    if named := alike(metric, found):
        return found[named]
    # A step alone is a score whatever it is called, if nobody asked for another.
    series = {prefix: steps for prefix, steps in found.items() if len(steps) > 1 or not prefix}
    if metric == SCORE and len(series) == 1:
        return next(iter(series.values()))
    if metric == SCORE and (usual := alike(USUAL, series)):
        return series[usual]
    if series and (metric != SCORE or len(series) > 1):
        known = ", ".join(prefix or "steps without a name" for prefix in series)
        raise TableError(f"metric: {metric} has no columns by step; use --metric with one of: {known}")
    return {}


def metric_in(column: str) -> str:
    """The metric that a column of a wide table is named after; `score` for a step alone, as in `epoch 10`."""
    match = NUMBERED.fullmatch(column)
    name = match["metric"] if match else ""
    return SCORE if name.lower() in ("", STEP, "epoch") else name


def alike(name: str, names: Iterable[str]) -> str | None:
    """The same name, or the only one that is the same in another case."""
    known = list(names)
    if name in known:
        return name
    matching = [each for each in known if each.lower() == name.lower()]
    return matching[0] if len(matching) == 1 else None


def to_long(table: "pa.Table", steps: Mapping[str, int]) -> "pa.Table":
    """A row a score; an empty cell is a score that was not recorded, one that is not finite a divergence."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if "genotype" not in table.column_names:
        return table
    if SEED not in table.column_names:
        table = table.append_column(SEED, pa.array(_occurrences(table["genotype"].to_pylist())))
    parts = []
    for name, step in steps.items():
        score = numbers(table, name, "a number").cast(pa.float64())
        part = pa.table(
            {
                "genotype": table["genotype"],
                SEED: table[SEED],
                STEP: pa.array(np.full(len(table), step)),
                SCORE: score,
            }
        )
        parts.append(part.filter(pc.is_valid(score)))
    return pa.concat_tables(parts)


def _occurrences(texts: Sequence[object]) -> list[int]:
    """Seeds of a table without any: the first run of a genotype has 0, its second 1."""
    seen: Counter[object] = Counter()
    numbers = []
    for text in texts:
        numbers.append(seen[text])
        seen[text] += 1
    return numbers


def numbers(table: "pa.Table", column: str, expected: str) -> "pa.ChunkedArray":
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
    kind = values.type.value_type if types.is_dictionary(values.type) else values.type
    raise TableError(f"{column}: is {kind}; give numbers")


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return value is None
    return True
