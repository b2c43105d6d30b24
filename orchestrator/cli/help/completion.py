"""Tab completion: what a shell asks for while a command line is typed, answered by argcomplete."""

import argparse
import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator.cli.arguments import Parser
from orchestrator.cli.commands import COMMANDS, Command

if TYPE_CHECKING:
    from orchestrator.config.description import Option


def is_asked() -> bool:
    """Whether a shell has started this process to complete a line."""
    return "_ARGCOMPLETE" in os.environ


def complete() -> None:
    """Print what the word at the cursor may become, and leave."""
    from argcomplete import FilesCompleter, autocomplete

    line = os.environ.get("COMP_LINE", "")[: int(os.environ.get("COMP_POINT", "0"))]
    # Options are offered once the word begins with a hyphen: there are hundreds.
    autocomplete(parser_of(_words(line)), always_complete_options=False, default_completer=FilesCompleter())


def _words(line: str) -> list[str]:
    """The complete words after the program's name; the one at the cursor is not among them."""
    try:
        words = shlex.split(line)
    except ValueError:  # an open quotation mark
        words = line.split()
    return words[1:] if line.endswith(" ") else words[1:-1]


def parser_of(words: Sequence[str]) -> argparse.ArgumentParser:
    """A parser of the line that begins with these words: only the module of its command is imported."""
    name = " ".join(words[:2]) if " ".join(words[:2]) in COMMANDS else "".join(words[:1])
    if name not in COMMANDS:
        parser = Parser(prog="advnas")
        parser.add_argument("--version", action="store_true")
        parser.add_argument("command", choices=sorted({each.split()[0] for each in COMMANDS}))
        # The first word may be one of two that only together are a command.
        if seconds := _second_words(words[0]) if words else []:
            parser.add_argument("second", choices=seconds)
        return parser
    parser = Parser(prog=f"advnas {name}")
    for number, word in enumerate(name.split()):
        parser.add_argument(f"command{number}", choices=[word])
    _add_own(parser, name, COMMANDS[name])
    return parser


def _second_words(first: str) -> list[str]:
    return [name.split()[1] for name in COMMANDS if name.startswith(f"{first} ")]


def _add_own(parser: Parser, name: str, command: Command) -> None:
    """Arguments of the command and, where it takes CONFIG, presets and options of the configuration."""
    command.load().add_arguments(parser, name)
    if not command.configured:
        return
    from orchestrator.config.files import PRESETS, SWEEPS

    presets = SWEEPS if name == "sweep" else PRESETS
    for action in parser._actions:
        if action.dest == "config":
            action.completer = _ConfigCompleter([*presets, *_second_words(name)])  # type: ignore[attr-defined]
        if "--DOTTED.NAME" in action.option_strings:
            action.help = argparse.SUPPRESS
    for dotted, values in _options(name).items():
        if f"--{dotted}" not in parser._option_string_actions:
            parser.add_argument(f"--{dotted}", choices=values)


def _options(name: str) -> dict[str, list[str] | None]:
    """Dotted names of the configuration, and the values that each may take where these are few."""
    found: dict[str, list[str] | None] = {}
    for option in _configuration(name):
        section, _, last = option.name.rpartition(".")
        values = option.kind.split("|") if "|" in option.kind else None
        if values and any(value.isupper() for value in values):
            values = None  # TEXT, INT and the like stand for what nobody can list
        found[option.name] = values
        if last == "name" and section and values:  # --search.strategy random
            found[section] = values
    return found


def _configuration(name: str) -> "list[Option]":
    from orchestrator.config.description import sections
    from orchestrator.config.experiment import Experiment
    from orchestrator.sweep.config import SweepConfig

    models = (SweepConfig, Experiment) if name == "sweep" else (Experiment,)
    return [option for model in models for section in sections(model, "run") for option in section.options]


class _ConfigCompleter:
    """Presets, and YAML files."""

    def __init__(self, presets: Sequence[str]) -> None:
        self._presets = presets

    def __call__(self, prefix: str, **_: object) -> list[str]:
        """What CONFIG may become."""
        from argcomplete import FilesCompleter

        files = FilesCompleter(("yaml", "yml"))(prefix)
        return [*(name for name in self._presets if name.startswith(prefix)), *files]
