"""A configuration as MLflow's params: flat, text, and never longer than it takes."""

import json
from collections.abc import Mapping
from typing import Any

from orchestrator.config.identity import dotted

LONGEST_VALUE = 500
"""Characters: MLflow takes 6000, its pages fewer. Artifact config.yaml has all of it."""


def flatten(config: Mapping[str, Any]) -> dict[str, str]:
    """Dotted names, as the command line has them; values as in a configuration file."""
    return {name: _text(value)[:LONGEST_VALUE] for name, value in dotted(config).items()}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
