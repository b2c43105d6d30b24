"""`advnas select`: short trainings of candidates; with --replay TABLE the same policy on recorded curves."""

import argparse
from pathlib import Path

from orchestrator.cli.arguments import Parser, add_own
from orchestrator.cli.stage import Loaded, add_stage_arguments, as_json, carry_out
from orchestrator.cluster.job_environment import require_kept
from orchestrator.config.files import read_source
from orchestrator.console.console import Console
from orchestrator.console.exit_codes import DONE
from search_space.errors import UserError

EXAMPLES = (
    "advnas select digits --name mine --select.rungs '[100, 300]' --select.random 4",
    "advnas select cifar10 --select.searches '[first, second, my/genotype.json]' --cluster.use_gpu true",
    "advnas select --replay runs/mine/select/scores.csv --rungs 100,300 --keep 0.5",
    "advnas select --replay curves.parquet --draws 200 --of 50 --policies all --budgets 0.25,0.125",
)

REPLAY = """a .csv or .parquet of learning curves, instead of CONFIG; nothing is trained; options are those
of `select`, by their last names"""


def add_arguments(parser: Parser, name: str) -> None:
    """CONFIG or --replay."""
    add_stage_arguments(parser, name, EXAMPLES, optional=True)
    add_own(parser, "--replay", "TABLE", REPLAY)


def run(arguments: argparse.Namespace) -> int:
    """Select by training, or from recorded curves; torch is not imported for the latter.

    Raises:
        UserError: a mistake in the configuration, the candidates, the table.
    """
    return _replay(arguments) if arguments.replay else carry_out(arguments, _loaded(arguments))


def _loaded(arguments: argparse.Namespace) -> Loaded:
    if arguments.config is None:
        raise UserError("select: needs CONFIG, or --replay TABLE; `advnas select --help` shows examples")
    document = read_source(arguments.config)  # fails before torch is imported
    from orchestrator.config.experiment import experiment_of, to_yaml

    experiment = experiment_of(document, arguments.overrides)
    if arguments.dry_run:
        from orchestrator.selection.plan import ships

        ships(experiment)  # as the command itself does before anything else

    def do(console: Console) -> object:
        from orchestrator.selection.stage import select

        require_kept(experiment.folder)
        return select(experiment, console)

    return Loaded(experiment, to_yaml(experiment), do)


def _replay(arguments: argparse.Namespace) -> int:
    """Print what a selection from recorded curves gives.

    Raises:
        SelectionError: nothing was chosen.
    """
    from orchestrator.cli.replay_table import replay_table
    from orchestrator.selection.draws import DrawsReport
    from orchestrator.selection.render import render_draws, render_replay
    from orchestrator.selection.result import SelectionError

    if arguments.config or arguments.dry_run:
        given = arguments.config or "--dry-run"
        raise UserError(f"{given}: a replay takes a table and options of the selection alone")
    report = replay_table(Path(arguments.replay), arguments.overrides)
    if isinstance(report, DrawsReport):
        if arguments.json:
            print(as_json(report.model_dump(mode="json")))
        else:
            Console().show(render_draws(report))
        return DONE
    if arguments.json:
        print(as_json({**report.model_dump(mode="json"), "saved": report.saved}))
    else:
        Console().show(render_replay(report))
    if report.selection.choice is None:
        raise SelectionError(f"{arguments.replay}: {report.selection.reason}")
    return DONE
