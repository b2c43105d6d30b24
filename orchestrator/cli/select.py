"""`advnas select`: short trainings of candidates; with --replay TABLE the same policy on recorded curves."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.cli.arguments import Parser, add_own
from orchestrator.cli.stage import Loaded, add_stage_arguments, as_json, carry_out
from orchestrator.cluster.job_environment import require_kept
from orchestrator.config.files import read_source
from orchestrator.console.console import Console
from orchestrator.console.exit_codes import DONE
from search_space.errors import UserError

if TYPE_CHECKING:
    from orchestrator.config.selection import SelectionConfig
    from orchestrator.selection.curves import Curves
    from orchestrator.selection.replay import ReplayReport

EXAMPLES = (
    "advnas select digits --name mine --select.rungs '[100, 300]' --select.random 4",
    "advnas select cifar10 --select.searches '[first, second, my/genotype.json]' --cluster.use_gpu true",
    "advnas select --replay runs/mine/select/scores.csv --rungs 100,300 --keep 0.5",
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
        from orchestrator.selection.stage import select_stage

        select_stage(experiment)  # as the command itself does before anything else

    def do(console: Console) -> object:
        from orchestrator.selection.stage import select

        require_kept(experiment.root)
        return select(experiment, console)

    return Loaded(experiment, to_yaml(experiment), do)


def _replay(arguments: argparse.Namespace) -> int:
    from orchestrator.selection.render import render_replay

    if arguments.config or arguments.dry_run:
        given = arguments.config or "--dry-run"
        raise UserError(f"{given}: a replay takes a table and options of the selection alone")
    report = replay_table(Path(arguments.replay), arguments.overrides)
    if arguments.json:
        print(as_json({**report.model_dump(mode="json"), "saved": report.saved}))
    else:
        Console().show(render_replay(report))
    return DONE


def replay_table(table: Path, overrides: Mapping[str, str]) -> "ReplayReport":
    """Select from a table; `overrides` are options of the selection by name, `rungs` and `keep` say 100,300.

    Raises:
        UserError: the file holds no such table, or an option does not fit.
    """
    from orchestrator.config.errors import ConfigError
    from orchestrator.config.overrides import options, parsed
    from orchestrator.config.selection import SelectionConfig
    from orchestrator.selection.curves import Curves
    from orchestrator.selection.replay import replay_curves

    known = options(SelectionConfig)
    for name, text in overrides.items():
        if name not in known:
            names = ", ".join(f"--{each}" for each in known)
            raise ConfigError(f"--{name} {text}: a replay has no such option; use {names}")
    values = {name: parsed(name, _listed(text), known) for name, text in overrides.items()}
    curves = Curves.read(table)
    return replay_curves(curves, _config(curves, values))


def _config(curves: "Curves", values: Mapping[str, Any]) -> "SelectionConfig":
    """What was given; else rungs that suit the table, with the repeats that suit those."""
    from pydantic import ValidationError

    from orchestrator.config.errors import ConfigError, explain
    from orchestrator.config.overrides import apply_overrides, options
    from orchestrator.config.selection import SelectionConfig
    from orchestrator.selection.curves import default_config

    default = default_config(curves)
    given = {"rungs"} if "rungs" in values else {"rungs", "max_repeats"}
    known = options(SelectionConfig)
    document = apply_overrides(default.model_dump(mode="json", include=given), values, known)
    if isinstance(document["rungs"], int):
        document["rungs"] = [document["rungs"]]
    try:
        return SelectionConfig.model_validate(document)
    except ValidationError as error:
        raise ConfigError(explain(error, document, list(known))) from None


def _listed(text: str) -> str:
    """Lists may go without their brackets."""
    return f"[{text}]" if "," in text and not text.startswith("[") else text
