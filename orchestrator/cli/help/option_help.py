"""The list of options in `--help`: every option with its type, its default and its description."""

import argparse
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from orchestrator.config.description import Option, Section, comments, sections
from orchestrator.config.experiment import Experiment
from orchestrator.config.files import FOLDER, PRESETS, SWEEPS, read_source
from orchestrator.config.overrides import apply_overrides, options

INDENTATION = 8
"""The text that explains an option is indented this far below its name."""

LONGEST = 40
"""Characters of a value."""

OF_BASE = "Options of the base, which apply to all runs"


@dataclass(frozen=True)
class Written:
    """A configuration file, as far as the help shows it."""

    source: str
    document: Mapping[str, Any]
    comments: Mapping[str, str] = field(default_factory=dict)
    """By dotted name."""


def option_help(command: str, source: str | None) -> str:
    """The options of a command, with the values and comments of a configuration where one is named.

    Raises:
        ConfigError: no such preset or file, or not YAML.
    """
    if command != "sweep":
        written = _written(source, PRESETS) if source else None
        return "".join(_parts("Options of the configuration", Experiment, "run", written))
    from orchestrator.sweep.config import SweepConfig

    sweep = _written(source, SWEEPS) if source else None
    base = _base(sweep) if sweep else None
    own = _parts("Options of the sweep", SweepConfig, "sweep", sweep)
    of_base = _parts(OF_BASE, Experiment, "run", base, hidden=options(SweepConfig))
    return "".join((*own, *of_base))


def _written(source: str, presets: tuple[str, ...]) -> Written:
    document = read_source(source, presets)
    path = FOLDER / f"{source}.yaml" if source in presets else Path(source)
    return Written(source, document, comments(path.read_text(encoding="utf-8")))


def _base(sweep: Written) -> Written | None:
    """What all runs of a sweep share: its base, with what it overrides there."""
    base, overrides = sweep.document.get("base"), sweep.document.get("overrides") or {}
    if not isinstance(base, str) or not isinstance(overrides, Mapping):
        return None
    written = _written(base, PRESETS)
    document = apply_overrides(written.document, overrides, options(Experiment))
    kept = {name: text for name, text in written.comments.items() if name not in overrides}
    return Written(sweep.source, document, kept)


def _parts(
    heading: str, model: type[BaseModel], title: str, written: Written | None, hidden: Container[str] = ()
) -> Iterator[str]:
    values = f", with the values and comments of {written.source}" if written else ""
    yield f"\n{heading}{values}:\n"
    for section in sections(model, title):
        if shown := [option for option in section.options if option.name not in hidden]:
            yield f"\n{_section(section, shown, written)}"


def _section(section: Section, shown: Sequence[Option], written: Written | None) -> str:
    """One section as argparse prints a group: a parser of its own, as kinds share names of options."""
    if written and any(_value(written.document, tag, kind) != kind for tag, kind in section.kinds.items()):
        written = None  # of another kind
    parser = argparse.ArgumentParser(usage=argparse.SUPPRESS, add_help=False, formatter_class=_Formatter)
    group = parser.add_argument_group(section.title, section.about.replace("%", "%%"))
    for option in shown:
        comment = written.comments.get(option.name) if written else None
        about = f"{option.about}  # {comment}" if comment else option.about
        kind = f"{option.kind} ({_default(option, written)})"
        group.add_argument(f"--{option.name}", metavar=kind, help=about.replace("%", "%%"))
    return parser.format_help()


class _Formatter(argparse.HelpFormatter):
    """Names on lines of their own: most are too long to have a text beside them."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=INDENTATION)


def _default(option: Option, written: Written | None) -> str:
    """The value that the option has where the line does not give it."""
    default = "required" if option.required else f"default: {in_words(option.default)}"
    if written is None:
        return default
    section, _, last = option.name.rpartition(".")
    inside = _value(written.document, section, None) if section else written.document
    if not isinstance(inside, Mapping):
        return default
    if last in inside:
        return f"{written.source}: {in_words(inside[last])}"
    return default if option.required else f"default: {in_words(option.default_in_section)}"


def _value(document: Any, dotted: str, otherwise: Any) -> Any:
    """The value in the document, or `otherwise`."""
    for key in dotted.split("."):
        if not isinstance(document, Mapping) or key not in document:
            return otherwise
        document = document[key]
    return document


def in_words(value: Any) -> str:
    """A value as a configuration file has it."""
    if isinstance(value, list):
        return f"[{', '.join(map(in_words, value))}]"
    if isinstance(value, str) and value:
        return value
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
