"""`advnas compare`: runs and architectures side by side."""

import argparse
import sys
from pathlib import Path

from orchestrator.cli.arguments import Parser, add_json, add_root, describe
from orchestrator.cli.commands import COMMANDS
from orchestrator.cli.stage import as_json
from orchestrator.console.console import Console, quiet
from orchestrator.console.exit_codes import DONE
from search_space.errors import UserError

EXAMPLES = (
    "advnas compare first second adversarialnas",
    "advnas compare first second --html comparison.html --data comparison.parquet",
    "advnas compare advnas --root /data/runs      # everything in an experiment of MLflow",
    "advnas compare first second --root s3://bucket/runs --tracking-uri http://mlflow:5000",
)


def add_arguments(parser: Parser, name: str) -> None:
    """The arguments say whom to compare and which files to write."""
    describe(parser, COMMANDS[name].about, EXAMPLES)
    parser.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        help="a run, a sweep, an experiment, runs:/ID, a genotype file, or a published name",
    )
    parser.add_argument("--html", metavar="FILE", help="also write a page with figures, images and drawings")
    parser.add_argument("--data", metavar="FILE", help="also write the rows as .parquet, .json or .csv")
    parser.add_argument("--tracking-uri", metavar="URI", help="of MLflow (default: the database in --root)")
    add_root(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Find everyone, print the tables, write the files.

    Raises:
        UserError: a name that means nothing, or a file that cannot be written.
    """
    from orchestrator.artifacts.stored_root import readable_root
    from orchestrator.compare.export import rows_of, write_rows
    from orchestrator.compare.groups import groups_of, verdict
    from orchestrator.compare.resolve import candidates
    from orchestrator.compare.terminal import tables
    from orchestrator.config.experiment import default_tracking_uri
    from orchestrator.config.roots import is_store
    from orchestrator.yardstick.known import finished_runs

    _check_files(arguments)
    quiet()
    if is_store(arguments.root) and not arguments.tracking_uri:
        raise UserError(
            f"--root {arguments.root}: runs of an object store are recorded by an MLflow server; give "
            "--tracking-uri too"
        )
    with readable_root(arguments.root, arguments.names, compares=True) as root:
        everyone = candidates(arguments.names, root, arguments.tracking_uri or default_tracking_uri(root))
        groups = groups_of(everyone, arguments.names, list(finished_runs(root)))
    rows = rows_of(groups, everyone)
    console = Console(sys.stderr if arguments.json else None)
    for table in tables(groups, everyone):
        console.show(table)
    if arguments.data:
        write_rows(Path(arguments.data), rows)
        console.say(arguments.data)
    if arguments.html:
        from orchestrator.compare.page import write_page

        write_page(Path(arguments.html), groups, everyone)
        console.say(arguments.html)
    if arguments.json:
        print(as_json({"verdicts": [" ".join(verdict(group)) for group in groups], "rows": rows}))
    return DONE


def _check_files(arguments: argparse.Namespace) -> None:
    """Before anything is read."""
    from orchestrator.compare.export import require_suffix

    if arguments.data:
        require_suffix(Path(arguments.data))
    if arguments.html and Path(arguments.html).suffix != ".html":
        raise UserError(f"--html {arguments.html}: name a file that ends in .html")
