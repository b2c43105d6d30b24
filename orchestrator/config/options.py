"""Every dotted name a configuration may have, and what kind of value each takes."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


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
