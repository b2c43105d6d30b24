"""From the words of a command line to a command, its arguments and options by dotted name."""

import argparse
from collections.abc import Sequence
from difflib import get_close_matches

from orchestrator.cli.parser import OWN_OPTIONS, RUNS, build_parser
from orchestrator.cli.submit_parser import SUBMIT
from orchestrator.config.errors import ConfigError
from search_space.errors import UserError

FLAGS = ("--json", "--dry-run", "--help")
OTHER_COMMANDS = ("compare", "submit", "generate", "export", "genotype", "ui")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What the user asks for.

    Of commands with a configuration, `overrides` maps dotted names to texts; of `submit`, `words` are those
    of the command to do.

    Raises:
        UserError: no such command or flag, or one without its value.
    """
    overrides: dict[str, str] = {}
    rest, words = _cut(arguments)
    if (two_words := " ".join(rest[:2])) in (*RUNS, *SUBMIT):
        rest[:2] = [two_words]
    if rest and rest[0] in RUNS:
        rest, overrides = split_overrides(rest, tuple(OWN_OPTIONS.get(rest[0], ())))
    elif rest and not rest[0].startswith("-"):
        _require_command(rest[0])
    parsed = build_parser().parse_args(rest)
    parsed.overrides, parsed.words = overrides, words
    return parsed


def _cut(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Of `submit`: its own words, and those of the command to submit."""
    words = list(arguments)
    if words[:1] != ["submit"] or "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _require_command(name: str) -> None:
    known = (*RUNS, *OTHER_COMMANDS)
    if name not in (*known, *SUBMIT):
        near = get_close_matches(name, known, n=1)
        raise UserError(
            f"unknown command {name!r}; {f'did you mean {near[0]}?' if near else ', '.join(known)}"
        )


def split_overrides(arguments: Sequence[str], own: Sequence[str] = ()) -> tuple[list[str], dict[str, str]]:
    """Separate `--dotted.name value` and `--dotted.name=value` from the rest; of equal names the last counts.

    `own` are the command's options with a value, which belong to the rest.

    Raises:
        ConfigError: a name without a value, or what looks like a misspelt flag.
    """
    rest: list[str] = []
    overrides: dict[str, str] = {}
    remaining = iter(arguments)
    for argument in remaining:
        if not argument.startswith("--") or argument in FLAGS:
            rest.append(argument)
            continue
        option, equals, value = argument.partition("=")
        if option not in own:
            _require_no_slip(option, (*FLAGS, *own))
        if not equals:
            value = next(remaining, "--")
            if value.startswith("--"):
                raise ConfigError(f"{option}: needs a value, as in {option} VALUE")
        if option in own:
            rest.append(f"{option}={value}")
        else:
            overrides[option.removeprefix("--")] = value
    return rest, overrides


def _require_no_slip(option: str, flags: Sequence[str]) -> None:
    spelt = option.replace("_", "-")
    if "." not in option and (near := get_close_matches(spelt, flags, n=1, cutoff=0.75)):
        raise ConfigError(f"{option}: unknown option; did you mean {near[0]}?")
