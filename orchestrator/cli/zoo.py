"""`advnas zoo retrain`: the published generators under one recipe."""

import argparse

from orchestrator.cli.arguments import Parser, add_flag, add_own, at_least_one
from orchestrator.cli.stage import Loaded, add_stage_arguments, carry_out
from orchestrator.cluster.job_environment import require_kept
from orchestrator.config.files import read_source
from orchestrator.console.console import Console
from search_space.errors import UserError

EXAMPLES = (
    "advnas zoo retrain digits --all --name zoo",
    "advnas zoo retrain cifar10 --names autogan_a,e2gan,adversarialnas --seeds 3 --cluster.use_gpu true",
    "advnas zoo retrain cifar10 --all --concurrent max --cluster.use_gpu true --cluster.address auto",
)
MOST = "max"


def add_arguments(parser: Parser, name: str) -> None:
    """CONFIG, which networks, how many seeds of each."""
    add_stage_arguments(parser, name, EXAMPLES)
    add_flag(parser, "--all", "every published generator that fits CONFIG")
    add_own(parser, "--names", "A,B", "these published generators")
    add_own(parser, "--seeds", "N", "trainings of each, with seeds from the run's own on (default: 2)")
    many = f"trainings at once (default: 1); more run as tasks on Ray, {MOST}: as many as it holds"
    add_own(parser, "--concurrent", "N", many)


def run(arguments: argparse.Namespace) -> int:
    """Train them and print how they compare.

    Raises:
        UserError: a mistake in the configuration, the names, the counts.
    """
    names = _names(arguments)
    seeds = _count("--seeds", arguments.seeds or "2")
    given = arguments.concurrent or "1"
    concurrent = None if given == MOST else _count("--concurrent", given)
    document = read_source(arguments.config)  # fails before torch is imported
    from orchestrator.config.experiment import experiment_of, to_yaml
    from orchestrator.zoo.choice import zoo_plan

    experiment = experiment_of(document, arguments.overrides)
    zoo_plan(experiment, names, seeds, concurrent)  # so that --dry-run finds the same mistakes

    def do(console: Console) -> object:
        from orchestrator.zoo.stage import retrain_zoo

        require_kept(experiment.folder)
        return retrain_zoo(experiment, console, names, seeds, concurrent)

    return carry_out(arguments, Loaded(experiment, to_yaml(experiment), do))


def _names(arguments: argparse.Namespace) -> list[str] | None:
    """None for all."""
    if arguments.all == bool(arguments.names):
        raise UserError("zoo retrain: give either --all or --names A,B; `advnas genotype list` shows names")
    if arguments.all:
        return None
    names = [name.strip() for name in arguments.names.split(",")]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"--names {arguments.names}: {twice} is there twice; --seeds trains it several times")
    return names


def _count(option: str, text: str) -> int:
    try:
        return at_least_one(text)
    except argparse.ArgumentTypeError as error:
        raise UserError(f"{option} {text}: {error}") from None
