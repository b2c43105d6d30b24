"""What a selection leaves in its folder: scores, the recipe that they were made with, the ranking."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.checkpoints.object_store import Mirror
from orchestrator.config.errors import ConfigError, shown
from orchestrator.selection.journal import Journal
from orchestrator.selection.result import Selection
from orchestrator.selection.rows import to_rows

RECIPE_FILE = "recipe.json"
SCORES_FILE = "scores.csv"


def open_journal(folder: Path, recipe: Mapping[str, Any], copy: Mirror | None) -> Journal:
    """The scores so far, those of the folder's copy where it is new here; the copy gets every further one.

    Raises:
        ConfigError: they were made with another recipe.
        MirrorError: the store of the copy cannot be reached, or refuses.
    """
    if copy is None:
        require_same_recipe(folder, recipe)
        return Journal(folder / SCORES_FILE)
    copy.fetch_files(SCORES_FILE, RECIPE_FILE)
    require_same_recipe(folder, recipe)
    return Journal(folder / SCORES_FILE, lambda: copy.send_files(SCORES_FILE, RECIPE_FILE))


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
