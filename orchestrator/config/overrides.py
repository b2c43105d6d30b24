"""Every dotted name a configuration may have, and what kind of value each takes."""

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from orchestrator.config.errors import ConfigError, shown, unknown_name
from orchestrator.config.files import read_yaml


@cache
def options(model: type[BaseModel]) -> Mapping[str, frozenset[Any]]:
    """Dotted name -> the types its value may have. Of a tagged section, the options of all its kinds."""
    found: dict[str, frozenset[Any]] = {}
    for name, field in model.model_fields.items():
        alternatives = list(_alternatives(field.annotation))
        for annotation in alternatives:
            if _is_section(annotation):
                inner = {f"{name}.{below}": types for below, types in options(annotation).items()}
            elif annotation is NoneType and any(map(_is_section, alternatives)):
                continue  # a section that may be off: its options are the names
            else:
                inner = {name: frozenset([annotation])}
            for dotted, types in inner.items():
                found[dotted] = found.get(dotted, frozenset()) | types
    return found


def is_text(types: frozenset[Any]) -> bool:
    """Whether a value of these types is text as it stands, so that a run may be called 007 or yes."""
    return types <= {str, Path, NoneType}


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _alternatives(annotation: Any) -> Iterator[Any]:
    """The members of a union, without their metadata."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from _alternatives(member)
    else:
        yield annotation


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
