"""What the parsers of all commands share: one-line errors, paged help, examples, common options."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from typing import IO, Any, NoReturn

from search_space.errors import UserError
from trainers.files import redacted


class Parser(argparse.ArgumentParser):
    """The parser of one command."""

    own: tuple[str, ...] = ()
    """Options with a value that belong to the command, where all others belong to the configuration."""
    flags: tuple[str, ...] = ()
    """Options without a value that belong to it."""
    appendix = ""
    """Printed after the help."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**settings, allow_abbrev=False, add_help=False)
        self.add_argument("-h", "--help", action="help", help="print this help")

    def error(self, message: str) -> NoReturn:
        """Raises:
        UserError: always; argparse would print the usage and exit.
        """
        raise UserError(f"{message}; `{self.prog} --help` shows examples")

    def format_help(self) -> str:
        """The help of argparse, then the appendix."""
        return super().format_help() + self.appendix

    def print_help(self, file: IO[str] | None = None) -> None:  # type: ignore[override]
        """Print the help; through the pager where it is longer than the terminal."""
        text = self.format_help()
        if file is None and sys.stdout.isatty() and text.count("\n") >= shutil.get_terminal_size().lines:
            import pydoc

            pydoc.pager(text)
        else:
            print(text, end="", file=file)


def describe(
    parser: argparse.ArgumentParser,
    about: str,
    examples: Sequence[str],
    usage: str | None = None,
    more: str = "",
) -> None:
    """The texts of a command's help: what it does, examples, and what else there is to say."""
    parser.description = about[0].upper() + about[1:] + "."
    parser.usage = usage
    parser.epilog = "examples:\n" + "\n".join(f"  {example}" for example in examples) + f"\n{more}"


def add_own(parser: Parser, option: str, metavar: str, text: str) -> None:
    """An option with a value of a command that takes CONFIG."""
    parser.own += (option,)
    parser.add_argument(option, metavar=metavar, help=text)


def add_flag(parser: Parser, option: str, text: str) -> None:
    """An option without a value of a command that takes CONFIG."""
    parser.flags += (option,)
    parser.add_argument(option, action="store_true", help=text)


def add_json(command: argparse.ArgumentParser) -> None:
    """The flag of commands whose result programs read too."""
    command.add_argument(
        "--json", action="store_true", help="print one JSON object on stdout, everything else on stderr"
    )


def add_root(command: argparse.ArgumentParser, instead: str | None = None) -> None:
    """Where runs are looked for; what to do `instead` of naming a store, where only a folder will do."""
    what = "folder or object store (s3://...) of runs" if instead is None else "folder of runs"
    command.add_argument(
        "--root", type=partial(root_of_runs, instead=instead), default="runs", help=f"{what} (default: runs)"
    )


def root_of_runs(text: str, instead: str | None) -> str:
    """A folder, or an object store.

    Raises:
        ArgumentTypeError: it is a store where only a folder will do, or no store that pyarrow knows.
    """
    if "://" not in text:
        return text
    if instead is not None:
        raise argparse.ArgumentTypeError(f"{text}: {instead}")
    from pydantic import TypeAdapter, ValidationError

    from orchestrator.config.roots import StoreAddress

    try:
        return TypeAdapter(StoreAddress).validate_python(text)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise argparse.ArgumentTypeError(f"{redacted(text)}: {reason}") from None


def at_least_zero(text: str) -> int:
    """A seed.

    Raises:
        ArgumentTypeError: it is not a whole number from 0 on.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def at_least_one(text: str) -> int:
    """A count.

    Raises:
        ArgumentTypeError: it is not a whole number from 1 on.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)
