"""The dotted names of a configuration, the types of their values, and overriding them."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from orchestrator.config.errors import UNION_TAG, ConfigError, shown, unknown_name
from orchestrator.config.files import read_yaml


class Options(dict[str, frozenset[Any]]):
    """All dotted names, with the types of their values. Of a section of several kinds, the options of all."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: dict[str, tuple[type[BaseModel], ...]] = {}
        """Section that is one of several kinds -> these kinds; its option `name` says which."""
        self.defaults: dict[str, str] = {}
        """Such a section -> the kind that it is where nothing is said."""
        self.switches: set[str] = set()
        """Sections that may be off, which null says."""


@cache
def options(model: type[BaseModel]) -> Options:
    """What may be said of a configuration."""
    found = Options()
    for name, field in model.model_fields.items():
        alternatives = list(_alternatives(field.annotation))
        sections = [each for each in alternatives if _is_section(each)]
        if sections and all(map(_kind, sections)):
            found.kinds[name] = tuple(sections)
            if not field.is_required():
                found.defaults[name] = field.get_default(call_default_factory=True).name
        if sections and NoneType in alternatives:
            found.switches.add(name)
        for section in sections:
            inner = options(section)
            found.switches |= {f"{name}.{below}" for below in inner.switches}
            found.kinds |= {f"{name}.{below}": kinds for below, kinds in inner.kinds.items()}
            found.defaults |= {f"{name}.{below}": kind for below, kind in inner.defaults.items()}
            for below, types in inner.items():
                dotted = f"{name}.{below}"
                found[dotted] = found.get(dotted, frozenset()) | types
        for annotation in alternatives:
            # A section that may be off is no value: its options are the names.
            if not _is_section(annotation) and not (sections and annotation is NoneType):
                found[name] = found.get(name, frozenset()) | {annotation}
    return found


def _kind(section: type[BaseModel]) -> str | None:
    """The one value that the section's `name` can have."""
    field = section.model_fields.get("name")
    values = get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()
    return values[0] if len(values) == 1 else None


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

    A section of several kinds may be given by the name of one. Changing the kind drops the options of the old
    one, but for those that all kinds have.

    Raises:
        ConfigError: a name that does not exist, with the nearest that do.
    """
    result = copy.deepcopy(dict(document))
    values = {_kind_or(name, value, known): value for name, value in values.items()}
    for section, kinds in known.kinds.items():
        _say_kind(result, section, known.defaults.get(section))
        if f"{section}.{UNION_TAG}" in values:
            _change_kind(result, section, values[f"{section}.{UNION_TAG}"], kinds)
    for name, value in values.items():
        if name not in known and not any(other.startswith(f"{name}.") for other in known):
            raise ConfigError(f"{name} = {shown(value)}: {unknown_name(name, list(known))}")
        set_value(result, name, value)
    return result


def _kind_or(name: str, value: Any, known: Options) -> str:
    return f"{name}.{UNION_TAG}" if name in known.kinds and isinstance(value, str) else name


def _say_kind(document: dict[str, Any], section: str, default: str | None) -> None:
    """Write out which kind a section is, where it is given by a name alone or is the default kind."""
    found = value_at(document, section)
    if isinstance(found, str):
        set_value(document, section, {UNION_TAG: found})
    elif default and isinstance(found, Mapping) and UNION_TAG not in found:
        set_value(document, section, {UNION_TAG: default, **found})


def _change_kind(
    document: dict[str, Any], section: str, kind: object, kinds: Sequence[type[BaseModel]]
) -> None:
    found = value_at(document, section)
    if isinstance(found, Mapping) and found.get(UNION_TAG) != kind:
        common = set.intersection(*(set(each.model_fields) for each in kinds)) - {UNION_TAG}
        kept = {name: value for name, value in found.items() if len(kinds) > 1 and name in common}
        set_value(document, section, kept)


def value_at(document: object, name: str) -> Any:
    """The value in the document; None if there is none."""
    for key in name.split("."):
        document = document.get(key) if isinstance(document, Mapping) else None
    return document


def set_value(document: dict[str, Any], name: str, value: Any) -> None:
    """Set a value in place.

    Raises:
        ConfigError: above it there is something that is not a section.
    """
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
