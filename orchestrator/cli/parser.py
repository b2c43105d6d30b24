"""The commands, their arguments and their help, as argparse knows them. Imports nothing heavy."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from orchestrator.cli.arguments import add_command, add_json, add_root
from orchestrator.cli.compare_parser import add_compare
from orchestrator.cli.generator_parser import add_export, add_generate
from orchestrator.cli.genotype_parser import add_genotype
from orchestrator.cli.submit_parser import add_submit
from orchestrator.config.files import PRESETS
from search_space.errors import UserError

if TYPE_CHECKING:
    from orchestrator.cli.arguments import Commands


RUNS = {
    "search": (
        "search the architectures of a generator and a discriminator, and derive both",
        "advnas search digits",
        "advnas search cifar10 --cluster.use_gpu true --search.steps 20000 --name long",
    ),
    "select": (
        "choose one of many genotypes by short trainings; or see what rungs would do to recorded ones",
        "advnas select digits --name mine --select.rungs '[100, 300]' --select.random 4",
        "advnas select cifar10 --select.searches '[first, second, my/genotype.json]' --cluster.use_gpu true",
        "advnas select --replay runs/mine/select/scores.csv --rungs 100,300 --keep 0.5",
    ),
    "reliability": (
        "measure which differences between genotypes a retraining recipe can show, before paying for them",
        "advnas reliability digits --name yardstick",
        "advnas reliability my_run.yaml --reliability.seeds 3 --reliability.concurrent null",
    ),
    "retrain": (
        "train a derived generator from scratch",
        "advnas retrain cifar10 --retrain.genotype adversarialnas --cluster.use_gpu true",
        "advnas retrain digits --retrain.genotype my/genotype.json --seed 1",
    ),
    "evaluate": (
        "score a trained generator, or images in a folder",
        "advnas evaluate digits --of mine",
        "advnas evaluate cifar10 --of best.pth --genotype adversarialnas --cluster.use_gpu true",
        "advnas evaluate cifar10 --of my/images --against other/images --json",
    ),
    "evaluate stats": (
        "make the reference statistics of a data set, and export them as .npz",
        "advnas evaluate stats digits",
        "advnas evaluate stats stl10 --out fid_stats_stl10.npz --cluster.use_gpu true",
    ),
    "evaluate selfcheck": (
        "score CIFAR-10's own images, whose scores are known",
        "advnas evaluate selfcheck cifar10",
        "advnas evaluate selfcheck cifar10 --data.root ~/data --data.download true",
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
"""Commands that take a configuration -> what they do, and examples."""

SOURCES = "a run, runs:/ID, a generator.pt, a .pth checkpoint of the released code, or a folder of images"

OWN_OPTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "evaluate": {
        "--of": ("SOURCE", f"{SOURCES} (default: the run --name)"),
        "--against": ("SOURCE", f"{SOURCES}, or an .npz of statistics (default: the data set)"),
        "--genotype": ("GENOTYPE", "of a .pth checkpoint (default: retrain.genotype)"),
        "--protocol": (
            "NAME",
            "paper (FID, IS of 50,000) or quick (KID of 5,000); default: CONFIG's",
        ),
    },
    "select": {
        "--replay": ("TABLE", "a .csv or .parquet of learning curves, instead of CONFIG; nothing is trained"),
    },
    "evaluate stats": {"--out": ("FILE", "an .npz file (default: in the folder of runs)")},
}
"""Options with a value that belong to a command, not to the configuration -> placeholder and help."""

WITHOUT_CONFIG = ("select",)
"""Commands that have work to do without a configuration too."""

CONFIG_HELP = f"""
CONFIG is a preset ({", ".join(PRESETS)}) or the path of a YAML file. Every option in it
can be given by its dotted name: --search.batch_size 60, --search.tau_end=0.5, --search.alpha_optimizer.betas
[0.5, 0.999] (in quotes where the shell asks for it). --dry-run shows all options with their values and is
itself a configuration file: advnas search cifar10 --dry-run > my_run.yaml
"""

DESCRIPTION = f"""Search for GAN architectures (AdversarialNAS), retrain and score them.

commands:
{chr(10).join(f"  {name:<18} {about}" for name, (about, *_) in RUNS.items())}
  compare            show runs and architectures side by side: which is best, and is it real
  submit             do one of the above on a Ray cluster; status, logs, stop
  generate           make images with a trained generator
  export             write a trained generator alone, as ONNX or for torch.export
  genotype           show, draw, list and convert architectures
  ui                 open the runs in MLflow's web interface, on this machine only

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
    add_compare(commands)
    add_submit(commands)
    add_genotype(commands)
    add_generate(commands)
    add_export(commands)
    _add_ui(commands)
    return parser


def _add_run(commands: "Commands", name: str, about: str, examples: Sequence[str]) -> None:
    usage = f"advnas {name} CONFIG [--dotted.name value ...] [--name NAME] [--dry-run] [--json]"
    command = add_command(commands, name, about, examples, usage, CONFIG_HELP)
    many = "?" if name in WITHOUT_CONFIG else None
    command.add_argument("config", metavar="CONFIG", nargs=many, help="a preset or a YAML file")
    for option, (placeholder, text) in OWN_OPTIONS.get(name, {}).items():
        command.add_argument(option, metavar=placeholder, help=text)
    # The next two are taken out before too, and are here for the help.
    command.add_argument("--DOTTED.NAME", metavar="VALUE", help="any option of the configuration")
    command.add_argument("--name", help="of the run; the same name goes on where it stopped")
    command.add_argument(
        "--dry-run", action="store_true", help="print the complete configuration, do nothing"
    )
    add_json(command)


def _add_ui(commands: "Commands") -> None:
    ui = add_command(
        commands,
        "ui",
        "open the runs in MLflow's web interface, on this machine only",
        ("advnas ui", "advnas ui --root /data/runs --port 5001"),
    )
    add_root(ui)
    ui.add_argument("--port", type=int, default=5000, help="port of 127.0.0.1 (default: 5000)")
