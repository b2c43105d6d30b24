"""`advnas records rebuild`: MLflow's database, made again from the folders of the runs."""

import argparse
from pathlib import Path

from orchestrator.cli.arguments import Parser, add_json, add_root, describe
from orchestrator.cli.commands import COMMANDS
from orchestrator.cli.stage import as_json
from orchestrator.console.exit_codes import DONE

EXAMPLES = (
    "advnas records rebuild",
    "advnas records rebuild --root /data/runs",
    "advnas records rebuild --root /data/runs --tracking-uri http://127.0.0.1:5000",
)
MORE = """
Writes the runs that mlflow.db lacks, with params, tags, curves, files and models, and completes those of
which it has a part; what is there is never doubled. A damaged mlflow.db is renamed first. On a complete
database the command changes nothing.
"""


def add_arguments(parser: Parser, name: str) -> None:
    """Where the runs are, and which store gets them."""
    describe(parser, COMMANDS[name].about, EXAMPLES, more=MORE)
    add_root(
        parser,
        instead="runs of an object store are recorded by an MLflow server: restore the backup of its "
        "database",
    )
    parser.add_argument(
        "--tracking-uri", metavar="URI", help="address of MLflow (default: the database in --root)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Rebuild, then say what was done and what is lost.

    Raises:
        UserError: there are no runs, or the store cannot be used.
    """
    from orchestrator.records.rebuild import rebuild

    rebuilt = rebuild(Path(arguments.root), arguments.tracking_uri)
    if arguments.json:
        print(as_json(rebuilt))
        return DONE
    print(
        f"{rebuilt.tracking_uri}: {rebuilt.made} runs made again, {rebuilt.completed} completed, "
        f"{rebuilt.sound} were complete; {rebuilt.points} values written"
    )
    for line in rebuilt.models:
        print(line)
    for line in rebuilt.lost:
        print(f"not recovered: {line}")
    return DONE
