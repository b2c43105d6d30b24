"""Parsing: the words of a command line become a command, its arguments, and options by dotted name."""

import argparse
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from orchestrator.cli.arguments import Parser
from orchestrator.cli.commands import COMMANDS
from orchestrator.config.errors import ConfigError
from search_space.errors import UserError

FLAGS = ("--json", "--dry-run", "--help")
UNDOTTED = ("--name", "--seed", "--root", "--mirror")
"""Options of the configuration that are no slips, however near they come to a command's own."""

OVERVIEW = f"""Search for GAN architectures (AdversarialNAS), retrain and score them.

commands:
{chr(10).join(f"  {name:<18} {command.about}" for name, command in COMMANDS.items())}

examples:
  advnas pipeline digits                         search, retrain and score in minutes, without a GPU
  advnas search cifar10 --cluster.use_gpu true   the published search
  advnas search --help                           more about a command, and all options of the configuration
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What the user asks for: `command` is its name and `run` does it.

    For commands that take CONFIG, `overrides` maps dotted names to texts; for `submit`, `words` are those of
    the command to submit.

    Raises:
        UserError: no such command or flag, or one without its value.
    """
    before, words = _cut(arguments)
    name = _command(before)
    if name is None:
        return _overview().parse_args(before)
    command, rest = COMMANDS[name], before[len(name.split()) :]
    module = command.load()
    parser = Parser(prog=f"advnas {name}")
    module.add_arguments(parser, name)
    overrides: dict[str, str] = {}
    if command.configured:
        rest, overrides = split_overrides(rest, parser.own, parser.flags)
        if "--help" in rest:
            from orchestrator.cli.help.option_help import option_help

            source = next((word for word in rest if not word.startswith("-")), None)
            parser.appendix = option_help(name, source)
    return parser.parse_args(
        rest, argparse.Namespace(command=name, run=module.run, overrides=overrides, words=words)
    )


def _cut(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words of `submit` itself, and those of the command to submit."""
    words = list(arguments)
    if words[:1] != ["submit"] or "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _command(words: Sequence[str]) -> str | None:
    """The name that the line begins with; None where it begins with an option or is empty."""
    if not words or words[0].startswith("-"):
        return None
    for name in (" ".join(words[:2]), words[0]):
        if name in COMMANDS:
            return name
    if longer := [name for name in COMMANDS if name.split()[0] == words[0]]:
        raise UserError(f"{words[0]}: needs a second word, as in `advnas {longer[0]}`")
    near = get_close_matches(words[0], COMMANDS, n=1)
    one_word = ", ".join(name for name in COMMANDS if " " not in name)
    cure = f"did you mean {near[0]}?" if near else f"{one_word}; `advnas --help` tells more"
    raise UserError(f"unknown command {words[0]!r}; {cure}")


def _overview() -> Parser:
    """What answers `advnas --help` and lines without a command."""
    usage = "advnas COMMAND CONFIG [--dotted.name value ...] [--name NAME] [--dry-run] [--json]"
    parser = Parser(prog="advnas", usage=usage, description=OVERVIEW)
    parser.add_argument("--version", action=_Version, help="print the versions of advnas and of what it uses")
    parser.add_argument("command", metavar="COMMAND", help=argparse.SUPPRESS)
    return parser


class _Version(argparse.Action):
    """Prints versions from the packages' metadata: nothing is imported for it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(nargs=0, **settings)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print the line and leave."""
        import platform

        used = ", ".join(f"{name} {_version(name)}" for name in ("torch", "ray", "mlflow"))
        print(f"advnas {_version('advnas')} (Python {platform.python_version()}, {used})")
        parser.exit()


def _version(package: str) -> str:
    """As installed; sources alone, as in a job's copy of a folder, have none."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def split_overrides(
    arguments: Sequence[str], own: Sequence[str] = (), flags: Sequence[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """Separate `--dotted.name value` and `--dotted.name=value` from the rest; of equal names the last counts.

    `own` are the command's options with a value, `flags` those without, which belong to the rest.

    Raises:
        ConfigError: a name without a value, or what looks like a misspelt flag.
    """
    rest: list[str] = []
    overrides: dict[str, str] = {}
    remaining = iter(arguments)
    for argument in remaining:
        if not argument.startswith("--") or argument in (*FLAGS, *flags):
            rest.append(argument)
            continue
        option, equals, value = argument.partition("=")
        if option not in own:
            _require_no_slip(option, (*FLAGS, *own, *flags))
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
    if "." in option or option in UNDOTTED:
        return
    if near := get_close_matches(spelt, flags, n=1, cutoff=0.75):
        raise ConfigError(f"{option}: unknown option; did you mean {near[0]}?")
