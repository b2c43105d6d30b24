"""The commands, their arguments and their help, as argparse knows them. Imports nothing heavy."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from orchestrator.presets import PRESETS
from search_space.errors import UserError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


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
        "score the generator that a run has retrained",
        "advnas evaluate digits --name mine",
        "advnas evaluate cifar10 --name long --retrain.evaluation.samples 10000 --json",
    ),
    "pipeline": (
        "search, derive, retrain and score; goes on where it stopped",
        "advnas pipeline digits --name mine",
        "advnas pipeline my_run.yaml --cluster.num_workers 4 --cluster.use_gpu true",
    ),
    "sweep": (
        "try many configurations with several seeds each, chosen by Optuna, placed by Ray Tune",
        "advnas sweep sweep_digits --name mine",
        "advnas sweep my_sweep.yaml --budget.trials 50 --search.steps 200 --cluster.use_gpu true",
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


def build_parser() -> argparse.ArgumentParser:
    """The whole command line, but for the options by dotted name, which are taken out before."""
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
    # The next two are taken out before too, and are here for the help.
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
        action.add_argument(
            "--network",
            choices=("generator", "discriminator"),
            default="generator",
            help="which one of a run (default: generator)",
        )


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
