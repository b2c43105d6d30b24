"""Errors of configurations, one line per mistake: dotted name, value, cure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from search_space.errors import UserError
from trainers.files import redacted

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

LONGEST_VALUE = 60
"""Characters of a value that a message shows."""

MOST_HINTS = 4

UNION_TAG = "name"
"""The key by which a section says which kind it is (`data.name`)."""

REWORDED: Mapping[str, str] = {
    "missing": "missing; give it a value",
    "union_tag_not_found": "missing; give it a value",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "path_type": "must be text",
    "model_type": "must be a section of names and values",
    "model_attributes_type": "must be a section of names and values",
    "tuple_type": "must be a list, in brackets",
}
"""Pydantic's kind of error -> our words, where its own speak of Python."""


ABSENT = ("missing", "union_tag_not_found")
"""Kinds of error that have no value to show."""


UNSAID = object()
"""Stands for the value of an option that the document leaves to its default."""


class ConfigError(UserError):
    """A configuration that names something unknown or gives it a value it cannot have."""


def explain(error: "ValidationError", document: object, known: Sequence[str]) -> str:
    """The error as lines for the user.

    `document` is what was validated, `known` all dotted names that may appear in it.
    """
    details = error.errors(include_url=False)
    return "\n".join(dict.fromkeys(line for detail in details for line in _lines(detail, document, known)))


def unknown_name(name: str, known: Sequence[str]) -> str:
    """What is wrong with a name that nobody knows, with the nearest ones that exist."""
    near = _same_option(_last(name), name, known) or get_close_matches(name, known, n=1, cutoff=0.8)
    if not near and (spelt := get_close_matches(_last(name), map(_last, known), n=1, cutoff=0.7)):
        near = _same_option(spelt[0], name, known)
    return (
        f"unknown name; did you mean {' or '.join(near)}?"
        if near
        else "unknown name; --dry-run shows all names"
    )


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _same_option(option: str, name: str, known: Sequence[str]) -> list[str]:
    """Where an option of this last name exists: in the section that was meant, or else anywhere."""
    everywhere = [other for other in known if _last(other) == option]
    section = name.split(".")[0] + "."
    return ([other for other in everywhere if other.startswith(section)] or everywhere)[:MOST_HINTS]


def shown(value: object) -> str:
    """A value as in a configuration file, shortened."""
    text = redacted(json.dumps(value, default=str, ensure_ascii=False))
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def _lines(detail: "ErrorDetails", document: object, known: Sequence[str]) -> Iterator[str]:
    kind, path, message = detail["type"], _path(detail["loc"], document), _message(detail)
    if kind.startswith("union_tag"):
        path = [*path, UNION_TAG]
    if kind == "extra_forbidden":
        message = _foreign(path, document) if ".".join(path) in known else unknown_name(".".join(path), known)
    for line in message.split("\n"):
        # Validators of a whole section name the option at fault first: "batch_size: must be even".
        option, _, rest = line.partition(": ")
        inner = [*path, *option.split(".")]
        at_fault, what = (inner, rest) if rest and ".".join(inner) in known else (path, line)
        found = _value_at(at_fault, document, detail["input"] if at_fault is path else UNSAID)
        value = "" if kind in ABSENT or found is UNSAID else f" = {shown(found)}"
        yield f"{'.'.join(at_fault) or 'configuration'}{value}: {what}"


def _foreign(path: Sequence[str], document: object) -> str:
    """An option of another kind than the section is."""
    kind = _value_at([*path[:-1], UNION_TAG], document, None)
    return f"not an option of {kind}; remove it, or choose another {'.'.join([*path[:-1], UNION_TAG])}"


def _message(detail: "ErrorDetails") -> str:
    if detail["type"] == "union_tag_invalid":
        return f"must be one of {detail['ctx']['expected_tags']}"
    if detail["type"] in REWORDED:
        return REWORDED[detail["type"]]
    return re.sub(r"^\w+ should", "must", detail["msg"].removeprefix("Value error, "))


def _path(location: Sequence[int | str], document: object) -> list[str]:
    """Keys as the user wrote them: without the kind that pydantic inserts after a tagged section's name."""
    path: list[str] = []
    for key in location:
        if isinstance(document, Mapping) and key not in document and key == document.get(UNION_TAG):
            continue
        path.append(str(key))
        document = _inside(document, key)
    return path


def _inside(document: object, key: int | str) -> Any:
    if isinstance(document, Mapping):
        return document.get(key)
    if isinstance(document, Sequence) and isinstance(key, int) and key < len(document):
        return document[key]
    return None


def _value_at(path: Sequence[str], document: object, otherwise: object) -> object:
    """What the document says there; validators' own view of it where it says nothing (a default)."""
    for key in path:
        if not isinstance(document, Mapping) or key not in document:
            return otherwise
        document = document[key]
    return document
