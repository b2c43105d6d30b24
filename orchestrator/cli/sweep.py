"""`advnas sweep`: many configurations of a base, each with several seeds."""

import argparse

from orchestrator.cli.arguments import Parser
from orchestrator.cli.stage import Loaded, add_stage_arguments, carry_out
from orchestrator.cluster.job_environment import require_kept
from orchestrator.config.files import SWEEPS, read_source, write_yaml
from orchestrator.console.console import Console

EXAMPLES = (
    "advnas sweep sweep_digits --name mine",
    "advnas sweep my_sweep.yaml --budget.trials 50 --search.steps 200 --cluster.use_gpu true",
)


def add_arguments(parser: Parser, name: str) -> None:
    """CONFIG is a sweep; options are the sweep's own or those of its base."""
    add_stage_arguments(parser, name, EXAMPLES)


def run(arguments: argparse.Namespace) -> int:
    """Check the sweep, do it, print its result.

    Raises:
        UserError: a mistake in the sweep or its base, or no room in the cluster.
    """
    read_source(arguments.config, SWEEPS)  # fails before torch is imported
    from orchestrator.sweep.config import load_sweep
    from orchestrator.sweep.validation import validate

    sweep = load_sweep(arguments.config, arguments.overrides)
    validate(sweep)
    document = sweep.config.document()

    def do(console: Console) -> object:
        from orchestrator.sweep.command import run_sweep

        require_kept(sweep.base.root)
        return run_sweep(sweep, console)

    return carry_out(arguments, Loaded(document, write_yaml(document), do))
