"""`advnas ui`: MLflow's web interface."""

import argparse
from pathlib import Path

from orchestrator.cli.arguments import Parser, add_root, describe
from orchestrator.cli.commands import COMMANDS
from orchestrator.console.exit_codes import DONE


def add_arguments(parser: Parser, name: str) -> None:
    """Where the runs are, and which port shows them."""
    describe(parser, COMMANDS[name].about, ("advnas ui", "advnas ui --root /data/runs --port 5001"))
    add_root(
        parser,
        instead="runs of an object store are recorded by an MLflow server: open the address that is their "
        "tracking.uri in a browser",
    )
    parser.add_argument("--port", type=int, default=5000, help="port of 127.0.0.1 (default: 5000)")


def run(arguments: argparse.Namespace) -> int:
    """Become the server; Ctrl-C ends it.

    Raises:
        UserError: there are no runs, or the port is taken.
    """
    from orchestrator.tracking.ui import serve

    serve(Path(arguments.root), arguments.port)
    return DONE
