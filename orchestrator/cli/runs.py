"""Commands that do what CONFIG says, each by one function: `search`, `evolve`, `retrain`, `sweep`, ..."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name

from orchestrator.cli.arguments import Parser, add_own
from orchestrator.cli.stage import Loaded, add_stage_arguments, carry_out
from orchestrator.cluster.job_environment import require_kept
from orchestrator.config.files import SWEEPS, read_source, write_yaml
from orchestrator.console.console import Console

ORCHESTRATOR = __package__.rpartition(".")[0]
"""`orchestrator`, by the name under which this process has imported it (see `advnas`)."""

SOURCES = "a run, runs:/ID, a generator.pt, a .pth checkpoint of the released code, or a folder of images"


@dataclass(frozen=True)
class Run:
    """A command that does a stage."""

    stage: str
    """module:function of `orchestrator`, imported once the configuration is known to be right."""
    examples: tuple[str, ...]
    own: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Options that are the function's arguments -> placeholder and help."""


RUNS: Mapping[str, Run] = {
    "search": Run(
        "stages.train:search",
        (
            "advnas search digits",
            "advnas search cifar10 --cluster.use_gpu true --search.steps 20000 --name long",
        ),
    ),
    "evolve": Run(
        "evolution.stage:evolve_genotypes",
        (
            "advnas evolve digits --search.steps 225 --evolve.concurrent null --name bred",
            "advnas evolve digits --evolve.fitness training --evolve.random 20 --evolve.children 80",
        ),
    ),
    "reliability": Run(
        "reliability.stage:reliability",
        (
            "advnas reliability digits --name yardstick",
            "advnas reliability my_run.yaml --reliability.seeds 3 --reliability.concurrent null",
        ),
    ),
    "retrain": Run(
        "stages.train:retrain",
        (
            "advnas retrain cifar10 --retrain.genotype adversarialnas --cluster.use_gpu true",
            "advnas retrain digits --retrain.genotype my/genotype.json --seed 1",
        ),
    ),
    "evaluate": Run(
        "stages.evaluate:evaluate",
        (
            "advnas evaluate digits --of mine",
            "advnas evaluate cifar10 --of best.pth --genotype adversarialnas --cluster.use_gpu true",
            "advnas evaluate --of my/images --against other/images --json",
        ),
        {
            "of": ("SOURCE", f"{SOURCES} (default: the run --name)"),
            "against": ("SOURCE", f"{SOURCES}, or an .npz of statistics (default: the data set)"),
            "genotype": ("GENOTYPE", "genotype of a .pth checkpoint (default: retrain.genotype)"),
            "protocol": ("NAME", "paper (FID, IS of 50,000) or quick (KID of 5,000); default: CONFIG's"),
        },
    ),
    "evaluate stats": Run(
        "stages.reference_statistics:export_statistics",
        (
            "advnas evaluate stats digits",
            "advnas evaluate stats stl10 --out fid_stats_stl10.npz --cluster.use_gpu true",
        ),
        {"out": ("FILE", "an .npz file (default: in the folder of runs)")},
    ),
    "evaluate selfcheck": Run(
        "stages.reference_statistics:self_check",
        (
            "advnas evaluate selfcheck cifar10",
            "advnas evaluate selfcheck cifar10 --data.root ~/data --data.download true",
        ),
    ),
    "pipeline": Run(
        "pipeline:pipeline",
        (
            "advnas pipeline digits --name mine",
            "advnas pipeline my_run.yaml --cluster.num_workers 4 --cluster.use_gpu true",
        ),
    ),
}


SWEEP_EXAMPLES = (
    "advnas sweep sweep_digits --name mine",
    "advnas sweep sweep_digits --dry-run",
    "advnas sweep my_sweep.yaml --budget.trials 50 --search.steps 200 --cluster.use_gpu true",
)


def add_arguments(parser: Parser, name: str) -> None:
    """CONFIG, the flags, and the command's own options."""
    examples = RUNS[name].examples if name in RUNS else SWEEP_EXAMPLES
    add_stage_arguments(parser, name, examples, optional=name == "evaluate")
    own = RUNS[name].own if name in RUNS else {}
    for option, (placeholder, text) in own.items():
        add_own(parser, f"--{option}", placeholder, text)


def run(arguments: argparse.Namespace) -> int:
    """Check the configuration, do the stage, print its result.

    Raises:
        UserError: a mistake in the configuration, the data, the cluster.
    """
    loaded = _loaded(arguments) if arguments.command in RUNS else _loaded_sweep(arguments)
    return carry_out(arguments, loaded)


def _loaded(arguments: argparse.Namespace) -> Loaded:
    unconfigured = arguments.config is None
    document = read_source("images" if unconfigured else arguments.config)  # fails before torch is imported
    from orchestrator.config.experiment import experiment_of, to_yaml

    overrides = _for_folders(arguments) if unconfigured else arguments.overrides
    experiment = experiment_of(document, overrides)
    if arguments.dry_run and arguments.command == "pipeline" and experiment.select:
        from orchestrator.selection.plan import ships

        ships(experiment)  # as the pipeline itself does before anything else
    if arguments.dry_run and arguments.command == "retrain" and experiment.retrain.genotype:
        from orchestrator.artifacts.genotypes import genotypes_to_retrain

        genotypes_to_retrain(experiment)
    if arguments.dry_run and arguments.command == "reliability":
        from orchestrator.reliability.stage import reliability_config

        reliability_config(experiment)
    if arguments.dry_run and arguments.command == "evolve":
        from orchestrator.evolution.plan import require_sound

        require_sound(experiment)
    command = RUNS[arguments.command]

    def do(console: Console) -> object:
        require_kept(experiment.folder)
        own = {option: getattr(arguments, option) for option in command.own}
        return resolve_name(f"{ORCHESTRATOR}.{command.stage}")(experiment, console, **own)

    return Loaded(experiment, to_yaml(experiment), do)


def _for_folders(arguments: argparse.Namespace) -> dict[str, str]:
    """Options of `evaluate` without CONFIG: Inception if it is there, and a folder that sets the channels."""
    from trainers.metrics.extractors.inception import at_hand

    options = {"retrain.evaluation.extractor": "inception"} if at_hand() else {}
    folder = arguments.against or arguments.of
    if folder and Path(folder).expanduser().is_dir():
        options["data.root"] = folder
    return {**options, **arguments.overrides}


def _loaded_sweep(arguments: argparse.Namespace) -> Loaded:
    """CONFIG is a sweep; options are the sweep's own or those of its base."""
    read_source(arguments.config, SWEEPS)  # fails before torch is imported
    from orchestrator.sweep.config import load_sweep
    from orchestrator.sweep.validation import validate

    sweep = load_sweep(arguments.config, arguments.overrides)
    validate(sweep)
    document = sweep.config.document()

    def do(console: Console) -> object:
        from orchestrator.sweep.command import run_sweep

        require_kept(sweep.base.folder)
        return run_sweep(sweep, console)

    return Loaded(document, write_yaml(document), do)
