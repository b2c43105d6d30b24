"""A configuration as MLflow's params: flat, text, and never longer than it takes."""

import json
from collections.abc import Mapping
from typing import Any

LONGEST_VALUE = 500
"""Characters: MLflow takes 6000, its pages fewer. Artifact config.yaml has all of it."""


def flatten(config: Mapping[str, Any]) -> dict[str, str]:
    """Dotted names, as the command line has them; values as in a configuration file."""
    return {name: _text(value)[:LONGEST_VALUE] for name, value in _leaves(config)}


def _leaves(config: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    leaves: list[tuple[str, Any]] = []
    for key, value in config.items():
        name = f"{prefix}{key}"
        leaves += _leaves(value, f"{name}.") if isinstance(value, Mapping) else [(name, value)]
    return leaves


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
