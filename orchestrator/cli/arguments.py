"""How a command is told to argparse: one sentence, two examples or more, and its options."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_command(
    commands: "Commands",
    name: str,
    about: str,
    examples: Sequence[str],
    usage: str | None = None,
    more: str = "",
) -> argparse.ArgumentParser:
    """A command with its help."""
    return commands.add_parser(
        name,
        help=about,
        usage=usage,
        description=about[0].upper() + about[1:] + ".",
        epilog="examples:\n" + "\n".join(f"  {example}" for example in examples) + f"\n{more}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_json(command: argparse.ArgumentParser) -> None:
    """The flag of commands whose result programs read too."""
    command.add_argument(
        "--json", action="store_true", help="one JSON object as the last line of stdout, all else on stderr"
    )


def add_root(command: argparse.ArgumentParser) -> None:
    """Where runs named on the command line are looked for."""
    command.add_argument("--root", default="runs", help="folder of runs (default: runs)")


def at_least_zero(text: str) -> int:
    """A seed.

    Raises:
        ArgumentTypeError: it is not a whole number from 0 on.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def at_least_one(text: str) -> int:
    """A count.

    Raises:
        ArgumentTypeError: it is not a whole number from 1 on.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)
