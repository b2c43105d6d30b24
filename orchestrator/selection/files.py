"""What a selection leaves in its folder: the ranking, and the recipe that its scores were made with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import ConfigError, shown
from orchestrator.selection.result import Selection
from orchestrator.selection.rows import to_rows

RECIPE_FILE = "recipe.json"


def write_ranking(selection: Selection, folder: Path) -> Mapping[str, Path]:
    """The whole selection as JSON, and its rows as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = {"selection": folder / "selection.json", "ranking": folder / "ranking.parquet"}
    files["selection"].write_text(selection.model_dump_json(indent=2), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(to_rows(selection)), files["ranking"])
    return files


def require_same_recipe(folder: Path, recipe: Mapping[str, Any]) -> None:
    """Refuse to put scores beside those of another recipe; the first time, write down which it is.

    Raises:
        ConfigError: names the first setting that differs.
    """
    path = folder / RECIPE_FILE
    current = json.loads(json.dumps(recipe))
    if not path.exists():
        path.write_text(json.dumps(current, indent=2), encoding="utf-8")
        return
    saved = json.loads(path.read_text(encoding="utf-8"))
    for name in {**current, **saved}:
        if saved.get(name) != current.get(name):
            raise ConfigError(
                f"{name} = {shown(current.get(name))}: the selection in {folder} was started with "
                f"{shown(saved.get(name))}; use that value to go on with it, or another name"
            )
