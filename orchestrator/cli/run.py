"""What the commands that take a configuration do; heavy modules are imported once the mistakes are found."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.cluster.job_environment import require_kept
from orchestrator.config.files import SWEEPS, read_source, write_yaml
from orchestrator.console.console import Console, quiet
from orchestrator.console.interruption import sigterm_interrupts
from search_space.errors import UserError

if TYPE_CHECKING:
    from orchestrator.config.experiment import Experiment

Result = Mapping[str, Any]
DETAILS = "stages"
"""What a pipeline tells of its stages: for programs, as people have seen them go by."""

Loaded = tuple[object, str, Callable[[Console], Result]]
"""A configuration, the same as YAML, and what to do with it."""

StageFunction = Callable[["Experiment", Console], Result]


def run(arguments: argparse.Namespace) -> None:
    """Load the configuration, do the command, print what came out.

    Raises:
        UserError: a mistake in the configuration, the data, the cluster.
    """
    if arguments.command == "select" and arguments.replay:
        _replay(arguments)
        return
    configuration, text, stage = (_sweep if arguments.command == "sweep" else _run)(arguments)
    if arguments.dry_run:
        print(as_json(configuration) if arguments.json else text.rstrip())
        return
    quiet()
    if arguments.json:
        # Libraries print too: all of it goes where people look, so that programs can read stdout.
        with redirect_stdout(sys.stderr), sigterm_interrupts():
            result = stage(Console())
        print(as_json(result))
    else:
        with sigterm_interrupts():
            result = stage(Console())
        print(*result_lines(result), sep="\n")


def _replay(arguments: argparse.Namespace) -> None:
    """Print what a selection from recorded curves comes to; torch is not imported.

    Raises:
        SelectionError: nothing was chosen.
    """
    from orchestrator.cli.replay import replay_table
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
        return
    if arguments.json:
        print(as_json({**report.model_dump(mode="json"), "saved": report.saved}))
    else:
        Console().show(render_replay(report))
    if report.selection.choice is None:
        raise SelectionError(f"{arguments.replay}: {report.selection.reason}")


def _run(arguments: argparse.Namespace) -> Loaded:
    if arguments.config is None:
        raise UserError("select: needs CONFIG, or --replay TABLE; `advnas select --help` shows examples")
    document = read_source(arguments.config)  # fails before torch is imported
    from orchestrator.config.experiment import experiment_of, to_yaml

    experiment = experiment_of(document, arguments.overrides)
    selects = arguments.command == "select" or (arguments.command == "pipeline" and experiment.select)
    if arguments.dry_run and selects:
        from orchestrator.selection.stage import ships

        ships(experiment)  # as the command itself does before anything else

    def do(console: Console) -> Result:
        require_kept(experiment.root)
        return _stage(arguments)(experiment, console)

    return experiment, to_yaml(experiment), do


def _sweep(arguments: argparse.Namespace) -> Loaded:
    read_source(arguments.config, SWEEPS)
    from orchestrator.sweep.config import load_sweep
    from orchestrator.sweep.validation import validate

    sweep = load_sweep(arguments.config, arguments.overrides)
    validate(sweep)
    document = sweep.config.document()

    def do(console: Console) -> Result:
        from orchestrator.sweep.command import run_sweep

        require_kept(sweep.base.root)
        return run_sweep(sweep, console)

    return document, write_yaml(document), do


def _stage(arguments: argparse.Namespace) -> StageFunction:
    match arguments.command:
        case "pipeline":
            from orchestrator.pipeline import pipeline

            return pipeline
        case "select":
            from orchestrator.selection.stage import select

            return select
        case "evaluate":
            from orchestrator.stages.evaluate import evaluate

            words = {name: getattr(arguments, name) for name in ("of", "against", "genotype", "protocol")}
            return partial(evaluate, **words)
        case "evaluate stats":
            from orchestrator.stages.reference_statistics import export_statistics

            return partial(export_statistics, out=arguments.out)
        case "evaluate selfcheck":
            from orchestrator.stages.reference_statistics import self_check

            return self_check
    from orchestrator.stages import train as stages

    return stages.search if arguments.command == "search" else stages.retrain


def as_json(value: object) -> str:
    """One line of strict JSON: paths are text, numbers that are not finite are null."""
    from pydantic_core import to_json

    return to_json(value, inf_nan_mode="null", fallback=str).decode()


def result_lines(result: Result, prefix: str = "") -> Iterator[str]:
    """The result for a person: a line a value, named by its dotted path."""
    for name, value in result.items():
        if name == DETAILS:
            continue
        if isinstance(value, Mapping):
            yield from result_lines(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}: {f'{value:.4g}' if isinstance(value, float) else value}"
