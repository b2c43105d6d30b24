"""`advnas select --replay TABLE`: the policy on recorded curves, in seconds and without training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.config.errors import ConfigError, explain
from orchestrator.config.overrides import apply_overrides, options, parsed
from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.curves import Curves, default_config
from orchestrator.selection.replay import ReplayReport, replay_curves


def replay_table(table: Path, overrides: Mapping[str, str]) -> ReplayReport:
    """Select from a table; `overrides` are options of the selection by name, `rungs` and `keep` say 100,300.

    Raises:
        UserError: the file holds no such table, or an option does not fit.
    """
    known = options(SelectionConfig)
    for name, text in overrides.items():
        if name not in known:
            names = ", ".join(f"--{each}" for each in known)
            raise ConfigError(f"--{name} {text}: a replay has no such option; use {names}")
    values = {name: parsed(name, _listed(text), known) for name, text in overrides.items()}
    curves = Curves.read(table)
    return replay_curves(curves, _config(curves, values))


def _config(curves: Curves, values: Mapping[str, Any]) -> SelectionConfig:
    """What was given; else rungs that suit the table, with the repeats that suit those."""
    default = default_config(curves)
    given = {"rungs"} if "rungs" in values else {"rungs", "max_repeats"}
    known = options(SelectionConfig)
    document = apply_overrides(default.model_dump(mode="json", include=given), values, known)
    if isinstance(document["rungs"], int):
        document["rungs"] = [document["rungs"]]
    try:
        return SelectionConfig.model_validate(document)
    except ValidationError as error:
        raise ConfigError(explain(error, document, list(known))) from None


def _listed(text: str) -> str:
    """Lists may go without their brackets."""
    return f"[{text}]" if "," in text and not text.startswith("[") else text
