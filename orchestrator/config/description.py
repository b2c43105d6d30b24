"""The options of a configuration, described from its JSON schema, and the comments of YAML files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import BaseModel

from orchestrator.config.automatic import AUTO, FOLLOWING

Schema = Mapping[str, Any]

KINDS = {
    "integer": "INT",
    "number": "FLOAT",
    "boolean": "true|false",
    "string": "TEXT",
    "null": "null",
}
"""Types of JSON schema as the help names them."""

FEW = 2
"""Names that stand for a section in a list."""

ASKEW = 4
"""Columns by which a line of comment may be off the one above that it continues."""


@dataclass(frozen=True)
class Option:
    """One option."""

    name: str
    """Dotted."""
    kind: str
    """Its type, or its choices with | between them."""
    about: str
    required: bool = False
    default: Any = None
    """Where the configuration does not have its section either."""
    default_in_section: Any = None
    """Where the configuration has its section, but not this option."""


@dataclass(frozen=True)
class Section:
    """Options that belong together. A tagged section has one for its tag, and one for each kind."""

    title: str
    about: str
    options: tuple[Option, ...]
    kinds: Mapping[str, str]
    """Dotted name of a tag -> the value it must have for these options to exist."""


def sections(model: type[BaseModel], title: str) -> Iterator[Section]:
    """All sections of a configuration, each before those inside it; the title is that of the outermost."""
    schema = model.model_json_schema()
    return _Reader(schema.get("$defs", {})).sections(schema, title, "", {}, {})


class _Reader:
    """Reads one schema; `definitions` are what its references name."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions

    def sections(
        self, schema: Schema, title: str, prefix: str, defaults: Schema, kinds: Mapping[str, str]
    ) -> Iterator[Section]:
        """A section and those in it; `defaults` are those of the section as a whole."""
        fields = {name: each for name, each in schema["properties"].items() if f"{prefix}{name}" not in kinds}
        required = [] if defaults else schema.get("required", [])
        inner = {name: below for name, each in fields.items() if (below := self._inner(each))}
        options = (
            self._option(f"{prefix}{name}", each, name in required, defaults.get(name, _default(each)))
            for name, each in fields.items()
            if name not in inner
        )
        yield Section(title, _one_line(schema), tuple(options), kinds)
        for name, below in inner.items():
            default = defaults.get(name, fields[name].get("default")) or {}
            yield from self._below(f"{prefix}{name}", fields[name], below, default, kinds)

    def _below(
        self, dotted: str, field: Schema, schema: Schema, defaults: Schema, kinds: Mapping[str, str]
    ) -> Iterator[Section]:
        """What a field holds that is a section, or one of several kinds of sections."""
        of_kind = (
            f" ({', '.join(f'{_section(tag)} = {kind}' for tag, kind in kinds.items())})" if kinds else ""
        )
        if "discriminator" not in schema:
            about = " ".join(filter(None, (_one_line(field), _one_line(schema))))
            schema = {**schema, "description": about}
            yield from self.sections(schema, dotted + of_kind, f"{dotted}.", defaults, kinds)
            return
        members = self._members(schema)
        tag = f"{dotted}.{schema['discriminator']['propertyName']}"
        chosen = defaults.get(_last(tag))
        which = Option(tag, "|".join(members), f"The kind of {dotted}.", chosen is None, chosen, chosen)
        yield Section(dotted + of_kind, _one_line(field), (which,), kinds)
        for kind, reference in members.items():
            own = defaults if kind == chosen else {}
            title, below = f"{dotted} = {kind}{of_kind}", {**kinds, tag: kind}
            yield from self.sections(self._resolved({"$ref": reference}), title, f"{dotted}.", own, below)

    def _members(self, union: Schema) -> dict[str, str]:
        """Kind -> reference, in the order of the union; that of the schema's mapping is the alphabet's."""
        order = [member["$ref"] for member in union["oneOf"]]
        mapping = union["discriminator"]["mapping"]
        return dict(sorted(mapping.items(), key=lambda item: order.index(item[1])))

    def _inner(self, field: Schema) -> Schema | None:
        """The section, or the tagged union of sections, that a field holds; None where it holds a value."""
        for alternative in field.get("anyOf", [field]):
            resolved = self._resolved(alternative)
            if "properties" in resolved or "discriminator" in resolved:
                return resolved
        return None

    def _resolved(self, schema: Schema) -> Schema:
        reference = schema.get("$ref")
        return self._definitions[reference.rpartition("/")[2]] if reference else schema

    def _option(self, name: str, field: Schema, required: bool, default: Any) -> Option:
        about = _one_line(field)
        kind = f"{self._kind(field)}|{AUTO}" if name in FOLLOWING else self._kind(field)
        return Option(name, kind, about, required, default, _default(field))

    def _kind(self, schema: Schema) -> str:
        schema = self._resolved(schema)
        if "anyOf" in schema:
            return "|".join(dict.fromkeys(map(self._kind, schema["anyOf"])))
        if "enum" in schema:
            return "|".join(map(str, schema["enum"]))
        if "const" in schema:
            return str(schema["const"])
        if "prefixItems" in schema:
            return f"[{', '.join(map(self._kind, schema['prefixItems']))}]"
        if schema.get("type") == "array":
            return f"[{self._kind(schema.get('items', {}))}, ...]"
        if "properties" in schema:
            return f"{{{', '.join([*schema['properties']][:FEW])}, ...}}"
        if schema.get("type") == "object":
            inner = schema.get("additionalProperties", True)
            return f"{{NAME: {self._kind(inner) if isinstance(inner, Mapping) else 'VALUE'}, ...}}"
        return "PATH" if schema.get("format") == "path" else KINDS.get(schema.get("type", ""), "VALUE")


def _default(field: Schema) -> Any:
    """A factory's default is not in the schema; the only ones here make empty mappings."""
    return field.get("default", {} if field.get("type") == "object" else None)


def _section(dotted: str) -> str:
    return dotted.rpartition(".")[0]


def _last(dotted: str) -> str:
    return dotted.rpartition(".")[2]


def _one_line(schema: Schema) -> str:
    return " ".join(schema.get("description", "").split())


def comments(text: str) -> dict[str, str]:
    """Dotted name -> the comment beside it in a YAML text; lines of comment alone below it continue it."""
    root = yaml.compose(text, yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return {}
    lines = text.splitlines()
    return {name: found for name, mark in _ends(root, "") if (found := _comment(lines, mark))}


def _ends(section: yaml.MappingNode, prefix: str) -> Iterator[tuple[str, yaml.Mark]]:
    """Dotted name -> where its value ends, or, of a section, its name."""
    for key, value in section.value:
        name = f"{prefix}{key.value}"
        if isinstance(value, yaml.MappingNode) and not value.flow_style:
            yield name, key.end_mark
            yield from _ends(value, f"{name}.")
        else:
            yield name, value.end_mark


def _comment(lines: Sequence[str], end: yaml.Mark) -> str:
    """The comment that begins where a value ends, with the lines of comment alone that continue it."""
    if end.line >= len(lines) or not re.match(r"[:\s]*#", lines[end.line][end.column :]):
        return ""
    column = lines[end.line].index("#", end.column)
    words = [lines[end.line][column + 1 :]]
    for line in lines[end.line + 1 :]:
        before, sign, text = line.partition("#")
        if not sign or before.strip() or abs(len(before) - column) > ASKEW:
            break
        words.append(text)
    return " ".join(" ".join(words).split())
