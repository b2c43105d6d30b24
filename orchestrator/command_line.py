"""The command line as text: commands, their help, and options by dotted name. Imports nothing heavy."""

import argparse
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, NoReturn

from orchestrator.errors import ConfigError
from orchestrator.presets import PRESETS
from search_space.errors import UserError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

FLAGS = ("--json", "--dry-run", "--help")
OTHER_COMMANDS = ("genotype", "ui")

RUNS = {
    "search": (
        "search the architectures of a generator and a discriminator, and derive both",
        "advnas search digits",
        "advnas search cifar10 --cluster.use_gpu true --search.steps 20000 --name long",
    ),
    "retrain": (
        "train a derived generator from scratch",
        "advnas retrain cifar10 --retrain.genotype adversarialnas --cluster.use_gpu true",
        "advnas retrain digits --retrain.genotype my/genotype.json --seed 1",
    ),
    "evaluate": (
        "score the newest checkpoint of a run",
        "advnas evaluate digits --name mine",
        "advnas evaluate cifar10 --name long --retrain.evaluation.samples 10000 --json",
    ),
    "pipeline": (
        "search, derive, retrain and score; goes on where it stopped",
        "advnas pipeline digits --name mine",
        "advnas pipeline my_run.yaml --cluster.num_workers 4 --cluster.use_gpu true",
    ),
}
"""Commands that take a configuration -> what they do, and two examples."""

CONFIG_HELP = f"""
CONFIG is a preset ({", ".join(PRESETS)}) or the path of a YAML file. Every option in it
can be given by its dotted name: --search.batch_size 60, --search.tau_end=0.5, --search.alpha_optimizer.betas
[0.5, 0.999] (in quotes where the shell asks for it). --dry-run shows all options with their values and is
itself a configuration file: advnas search cifar10 --dry-run > my_run.yaml
"""

DESCRIPTION = f"""Search for GAN architectures (AdversarialNAS), retrain and score them.

commands:
{chr(10).join(f"  {name:<10} {about}" for name, (about, *_) in RUNS.items())}
  genotype   show, draw, list and convert architectures
  ui         open the runs in MLflow's web interface, on this machine only

examples:
  advnas pipeline digits                         search, retrain and score in minutes, without a GPU
  advnas search cifar10 --cluster.use_gpu true   the published search
  advnas search --help                           more about a command
"""


class _Parser(argparse.ArgumentParser):
    """Says mistakes in one line, as everything else here does."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; `{self.prog} --help` shows examples")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What the user asks for; of commands with a configuration, `overrides` maps dotted names to texts.

    Raises:
        UserError: no such command or flag, or one without its value.
    """
    overrides: dict[str, str] = {}
    rest = list(arguments)
    if rest and rest[0] in RUNS:
        rest, overrides = split_overrides(rest)
    elif rest and not rest[0].startswith("-"):
        _require_command(rest[0])
    parsed = _parser().parse_args(rest)
    parsed.overrides = overrides
    return parsed


def _require_command(name: str) -> None:
    known = (*RUNS, *OTHER_COMMANDS)
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise UserError(
            f"unknown command {name!r}; {f'did you mean {near[0]}?' if near else ', '.join(known)}"
        )


def split_overrides(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Separate `--dotted.name value` and `--dotted.name=value` from the rest; of equal names the last counts.

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
        if "." not in option and (
            near := get_close_matches(option.replace("_", "-"), FLAGS, n=1, cutoff=0.75)
        ):
            raise ConfigError(f"{option}: unknown option; did you mean {near[0]}?")
        if not equals:
            value = next(remaining, "--")
            if value.startswith("--"):
                raise ConfigError(f"{option}: needs a value, as in {option} VALUE")
        overrides[option.removeprefix("--")] = value
    return rest, overrides


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _Parser(
        "advnas",
        usage="advnas COMMAND CONFIG [--dotted.name value ...] [--name NAME] [--dry-run] [--json]",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands: Commands = parser.add_subparsers(
        prog="advnas", dest="command", metavar="COMMAND", required=True, help=argparse.SUPPRESS
    )
    for name, (about, *examples) in RUNS.items():
        _add_run(commands, name, about, examples)
    _add_genotype(commands)
    _add_ui(commands)
    return parser


def _add_run(commands: "Commands", name: str, about: str, examples: Sequence[str]) -> None:
    usage = f"advnas {name} CONFIG [--dotted.name value ...] [--name NAME] [--dry-run] [--json]"
    command = _command(commands, name, about, examples, usage, CONFIG_HELP)
    command.add_argument("config", metavar="CONFIG", help="a preset or a YAML file")
    # Dotted names were taken out before; these three are here for the help.
    command.add_argument("--DOTTED.NAME", metavar="VALUE", help="any option of the configuration")
    command.add_argument("--name", help="of the run; the same name goes on where it stopped")
    command.add_argument(
        "--dry-run", action="store_true", help="print the complete configuration, do nothing"
    )
    _add_json(command)


def _add_genotype(commands: "Commands") -> None:
    genotype = _command(
        commands,
        "genotype",
        "show, draw, list and convert architectures",
        ("advnas genotype list", "advnas genotype draw adversarialnas drawing.svg"),
    )
    actions = genotype.add_subparsers(prog="advnas genotype", dest="action", metavar="ACTION", required=True)
    source = "a name of the list, a .json or .npy file, or the name of a run"

    show = _command(
        actions,
        "show",
        "print an architecture, edge by edge",
        ("advnas genotype show eagan", "advnas genotype show my/genotype.json --json"),
    )
    show.add_argument("source", metavar="GENOTYPE", help=source)
    _add_json(show)

    draw = _command(
        actions,
        "draw",
        "draw an architecture as .png or .svg",
        (
            "advnas genotype draw adversarialnas drawing.png",
            "advnas genotype draw adversarialnas differences.svg --compare eagan",
        ),
    )
    draw.add_argument("source", metavar="GENOTYPE", help=source)
    draw.add_argument("target", metavar="FILE", help=".png or .svg")
    draw.add_argument("--compare", metavar="GENOTYPE", help="mark the edges on which this one differs")

    listed = _command(
        actions,
        "list",
        "list the published architectures",
        ("advnas genotype list", "advnas genotype list --json"),
    )
    _add_json(listed)

    convert = _command(
        actions,
        "convert",
        "convert between our .json and the .npy of the released code",
        (
            "advnas genotype convert best_gen.npy genotype.json",
            "advnas genotype convert adversarialnas best_gen.npy",
        ),
    )
    convert.add_argument("source", metavar="GENOTYPE", help=source)
    convert.add_argument("target", metavar="FILE", help=".json or .npy")

    for action in (show, draw, convert):
        action.add_argument("--root", default="runs", help="folder of runs (default: runs)")


def _add_ui(commands: "Commands") -> None:
    ui = _command(
        commands,
        "ui",
        "open the runs in MLflow's web interface, on this machine only",
        ("advnas ui", "advnas ui --root /data/runs --port 5001"),
    )
    ui.add_argument("--root", default="runs", help="folder of runs (default: runs)")
    ui.add_argument("--port", type=int, default=5000, help="port of 127.0.0.1 (default: 5000)")


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--json", action="store_true", help="one JSON object as the last line of stdout, all else on stderr"
    )


def _command(
    commands: "Commands",
    name: str,
    about: str,
    examples: Sequence[str],
    usage: str | None = None,
    more: str = "",
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=about,
        usage=usage,
        description=about[0].upper() + about[1:] + ".",
        epilog="examples:\n" + "\n".join(f"  {example}" for example in examples) + f"\n{more}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
