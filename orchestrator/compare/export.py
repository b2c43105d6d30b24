"""A comparison as rows for other programs: Parquet, JSON or CSV."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any, cast

from orchestrator.compare.candidate import Candidate
from orchestrator.compare.groups import Group
from search_space.errors import GenotypeError, UserError
from search_space.genotype import Genotype
from trainers.files import written_whole


def rows_of(groups: Sequence[Group], everyone: Sequence[Candidate]) -> list[dict[str, Any]]:
    """One row per candidate; `group` numbers those that may be ranked together; the rest have none."""
    rows = [
        _row(row.candidate)
        | {
            "group": number,
            "place": row.place,
            "metric": group.metric,
            "lower_is_better": group.lower_is_better,
            "mean": row.mean,
            "deviation": row.deviation,
            "scores": list(row.values),
            f"{group.metric}_last": row.mean,
            f"{group.metric}_best": _mean(row.candidate.best_values(group.metric)),
            "without_score": row.diverged,
            "behind": row.behind.size if row.behind else None,
            "behind_in_standard_errors": row.behind.standard_errors if row.behind else None,
            "apart_from_best": row.is_apart,
        }
        for number, group in enumerate(groups)
        for row in group.rows
    ]
    return rows + [_row(each) for each in everyone if not (each.trainings and each.metrics)]


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the file whole.

    Raises:
        UserError: another suffix, or a place that cannot be written.
    """
    require_suffix(path)
    try:
        with written_whole(path) as file:
            file.write(FORMATS[path.suffix](rows))
    except OSError as error:
        raise UserError(f"--data {path}: {error.strerror}; name a place that can be written") from error


def require_suffix(path: Path) -> None:
    """Raises:
    UserError: of none of the formats.
    """
    if path.suffix not in FORMATS:
        raise UserError(f"--data {path}: unknown suffix {path.suffix!r}; use {' or '.join(FORMATS)}")


def _published(genotype: Genotype) -> list[list[int]] | None:
    """Its indices; None where they do not exist."""
    try:
        return [list(row) for row in genotype.rows]
    except GenotypeError:
        return None


def _row(each: Candidate) -> dict[str, Any]:
    return {
        "name": each.name,
        "space": each.genotype.space,
        "genotype": _published(each.genotype),
        "primitives": [list(cell) for cell in each.genotype.cells],
        "hash": each.genotype.content_hash,
        "data": each.data,
        "steps": each.steps,
        "seeds": [training.seed for training in each.trainings],
        "runs": [training.run for training in each.trainings],
        "parameters": each.parameters,
        "multiply_adds": each.multiply_adds,
        "hours": each.hours(),
        "search_hours": each.search_hours(),
        "device": each.trainings[0].device if each.trainings else None,
        "protocol": [f"{name} {value}" for name, value in each.protocol.items()],
        "recipe": [f"{name} {value}" for name, value in each.recipe.items()],
        "published": [asdict(result) for result in each.published],
    }


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _json(rows: Sequence[dict[str, Any]]) -> bytes:
    from pydantic_core import to_json

    return to_json(rows, indent=1, inf_nan_mode="null")


def _parquet(rows: Sequence[dict[str, Any]]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    file = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(_complete(rows)), file)
    return cast(bytes, file.getvalue().to_pybytes())


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """Lists as JSON: a cell holds one text."""
    import json

    import pyarrow
    import pyarrow.csv

    cells = [
        {name: json.dumps(value) if isinstance(value, list) else value for name, value in row.items()}
        for row in _complete(rows)
    ]
    file = pyarrow.BufferOutputStream()
    pyarrow.csv.write_csv(pyarrow.Table.from_pylist(cells), file)
    return cast(bytes, file.getvalue().to_pybytes())


def _complete(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """With the same columns in each."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name) for name in names} for row in rows]


FORMATS: Mapping[str, Callable[[Sequence[dict[str, Any]]], bytes]] = {
    ".parquet": _parquet,
    ".json": _json,
    ".csv": _csv,
}
