"""Identities: settings that must be equal to resume, as dotted name -> JSON value."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.config.errors import shown
from search_space.errors import UserError

IDENTITY_FILE = "recipe.json"
"""Holds the identity of a selection or a reliability run, in its folder."""
LONGEST_VALUE = 500
"""Characters: MLflow takes 6000, its pages fewer. Artifact config.yaml has all of it."""


def dotted(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings by dotted name, as the command line has them."""
    return dict(_leaves(settings, ""))


def flatten(settings: Mapping[str, Any]) -> dict[str, str]:
    """The same as text, as MLflow's params have it: never longer than its pages take."""
    return {name: _text(value)[:LONGEST_VALUE] for name, value in dotted(settings).items()}


def require_equal(
    saved: Mapping[str, Any], current: Mapping[str, Any], whose: str, error: type[UserError]
) -> None:
    """Refuse to resume with other settings; `whose` says what was started with the saved ones.

    Raises:
        UserError: of the kind `error`; names the first setting that differs.
    """
    for name in {**current, **saved}:
        if saved.get(name) != current.get(name):
            raise error(
                f"{name} = {shown(current.get(name))}: {whose} was started with {shown(saved.get(name))}; "
                "use that value to go on with it, or another name"
            )


def json_hash(value: Any, digits: int = 8) -> str:
    """Hexadecimal digits that change whenever the JSON value does."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:digits]


def _leaves(settings: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
