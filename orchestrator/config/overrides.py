"""Options given as dotted names: `search.batch_size` is `batch_size` in the section `search`."""

import copy
from collections.abc import Mapping
from typing import Any

from orchestrator.config.errors import ConfigError, shown, unknown_name
from orchestrator.config.options import is_text
from orchestrator.config.yaml_text import read_yaml

Options = Mapping[str, frozenset[Any]]
"""All dotted names, with the types of their values."""

DATA_KIND = "data.name"
KEPT_BY_ALL_DATA = ("image_size", "channels")
"""Options that stay when another data set is chosen; the others belong to the one left behind."""


def parsed(name: str, text: str, known: Options) -> Any:
    """The value that a text on the command line stands for: YAML, unless the option takes text anyway."""
    if is_text(known.get(name, frozenset([int]))):
        return None if text in ("null", "~") else text
    try:
        return read_yaml(text, name)
    except ConfigError:
        raise ConfigError(
            f"{name} = {text}: not a YAML value; lists need brackets, and quotes around"
        ) from None


def apply_overrides(document: Mapping[str, Any], values: Mapping[str, Any], known: Options) -> dict[str, Any]:
    """A copy of the document with the named values set; whole sections may be replaced too.

    Raises:
        ConfigError: a name that does not exist, with the nearest that do.
    """
    result = copy.deepcopy(dict(document))
    if DATA_KIND in values:
        _change_data(result, values[DATA_KIND])
    for name, value in values.items():
        if name not in known and not any(other.startswith(f"{name}.") for other in known):
            raise ConfigError(f"{name} = {shown(value)}: {unknown_name(name, list(known))}")
        _set(result, name, value)
    return result


def _change_data(document: dict[str, Any], kind: object) -> None:
    data = document.get("data")
    if isinstance(data, dict) and data.get("name") != kind:
        document["data"] = {name: value for name, value in data.items() if name in KEPT_BY_ALL_DATA}


def _set(document: dict[str, Any], name: str, value: Any) -> None:
    *sections, last = name.split(".")
    for section in sections:
        inner = document.get(section)
        if inner is None:  # absent, or switched off: to set an option of it is to have it
            inner = {}
        if not isinstance(inner, dict):
            raise ConfigError(f"{name} = {shown(value)}: {section} is {shown(inner)} here, not a section")
        # Copied: by a YAML anchor, another place may hold the same section.
        document[section] = document = dict(inner)
    document[last] = value
