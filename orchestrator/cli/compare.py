"""What `advnas compare` does."""

import argparse
import sys
from pathlib import Path

from orchestrator.compare.export import require_suffix, rows_of, write_rows
from orchestrator.compare.groups import groups_of, verdict
from orchestrator.compare.resolve import candidates
from orchestrator.config.experiment import default_tracking_uri
from orchestrator.console.console import Console, quiet
from search_space.errors import UserError


def run(arguments: argparse.Namespace) -> None:
    """Find everyone, print the tables, write the files.

    Raises:
        UserError: a name that means nothing, or a file that cannot be written.
    """
    _check_files(arguments)
    quiet()
    root = Path(arguments.root).absolute()
    everyone = candidates(arguments.names, root, arguments.tracking_uri or default_tracking_uri(root))
    groups = groups_of(everyone, arguments.names)
    rows = rows_of(groups, everyone)
    console = Console(sys.stderr if arguments.json else None)
    from orchestrator.compare.terminal import tables

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
        from orchestrator.cli.run import as_json

        print(as_json({"verdicts": [" ".join(verdict(group)) for group in groups], "rows": rows}))


def _check_files(arguments: argparse.Namespace) -> None:
    """Before anything is read."""
    if arguments.data:
        require_suffix(Path(arguments.data))
    if arguments.html and Path(arguments.html).suffix != ".html":
        raise UserError(f"--html {arguments.html}: name a file that ends in .html")
