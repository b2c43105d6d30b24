"""What the commands that take CONFIG share: arguments, --dry-run, --json, and the printing of results."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

from orchestrator.cli.arguments import Parser, add_json, describe
from orchestrator.cli.commands import COMMANDS
from orchestrator.config.files import PRESETS, SWEEPS
from orchestrator.console.console import Console, quiet
from orchestrator.console.exit_codes import DONE
from search_space.errors import printable

Result = Mapping[str, Any]
DETAILS = "stages"
"""A pipeline's results by stage: printed for programs only, as people have seen each stage go by."""

CONFIG_HELP = """
CONFIG is a preset ({presets}) or the path of a YAML file. Every option in it
can be given by its dotted name: --search.batch_size 60, --search.n_critic=2, --search.evaluation.metrics
[fd, is] (in quotes where the shell needs them). --dry-run prints all options with their values, which is
itself a configuration file: advnas {command} {preset} --dry-run > my_{kind}.yaml

-h prints this page. --help also lists every option of the configuration with its type, its default and what
it does; with CONFIG in the line, it shows the values and comments of that configuration.
"""


@dataclass(frozen=True)
class Loaded:
    """A configuration that has been checked, and what to do with it."""

    configuration: object
    yaml: str
    do: Callable[[Console], object]
    """Returns a result of `stages.results`."""


def add_stage_arguments(parser: Parser, name: str, examples: Sequence[str], optional: bool = False) -> None:
    """CONFIG and the flags; where CONFIG is optional, the command has work to do without one."""
    config = "[CONFIG]" if optional else "CONFIG"
    usage = f"advnas {name} {config} [--dotted.name value ...] [--name NAME] [--dry-run] [--json]"
    presets, kind = (SWEEPS, "sweep") if name == "sweep" else (PRESETS, "run")
    more = CONFIG_HELP.format(presets=", ".join(presets), command=name, preset=presets[0], kind=kind)
    describe(parser, COMMANDS[name].about, examples, usage, more)
    parser.add_argument(
        "config", metavar="CONFIG", nargs="?" if optional else None, help="a preset or a YAML file"
    )
    # The next two are taken out of the line before argparse sees it, and are here for the help alone.
    parser.add_argument("--DOTTED.NAME", metavar="VALUE", help="any option of the configuration")
    parser.add_argument("--name", help="name of the run; the same name resumes it where it stopped")
    parser.add_argument(
        "--dry-run", action="store_true", help="print the complete configuration and do nothing else"
    )
    add_json(parser)


def carry_out(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Print the configuration for --dry-run; else do the stage and print its result."""
    if arguments.dry_run:
        print(as_json(loaded.configuration) if arguments.json else loaded.yaml.rstrip())
        return DONE
    quiet()
    from orchestrator.stages.results import document

    if arguments.json:
        # Libraries print too: all of it goes to stderr, so that programs can read stdout.
        with redirect_stdout(sys.stderr):
            result = document(_done(loaded, Console()))
        print(as_json(result))
    else:
        result = document(_done(loaded, Console()))
        print(*result_lines(result), sep="\n")
    return DONE


def _done(loaded: Loaded, console: Console) -> object:
    """The result of a stage; who interrupts it learns the name of the run that goes on."""
    try:
        return loaded.do(console)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(*([console.run] if console.run else [])) from None


def as_json(value: object) -> str:
    """One line of strict JSON: paths are text, numbers that are not finite are null."""
    from pydantic_core import to_json

    return to_json(value, inf_nan_mode="null", fallback=str).decode()


def result_lines(result: Result, prefix: str = "") -> Iterator[str]:
    """The result for a person: one line per value, named by its dotted path."""
    for name, value in result.items():
        if name == DETAILS:
            continue
        if isinstance(value, Mapping):
            yield from result_lines(value, f"{prefix}{name}.")
        else:
            yield printable(f"{prefix}{name}: {f'{value:.4g}' if isinstance(value, float) else value}")
