"""`advnas ui`: MLflow's web interface for a folder of runs, reachable from this machine only."""

import os
import socket
import sqlite3
import sys
from contextlib import closing
from importlib.metadata import entry_points
from pathlib import Path

from search_space.errors import UserError

HOST = "127.0.0.1"
APP = "advnas"
"""Name of the entry point, and of the page that it adds."""


def serve(root: Path, port: int) -> None:
    """Become the MLflow server of the embedded database; Ctrl-C ends it.

    Raises:
        UserError: there are no runs, or the port is taken.
    """
    database = root.absolute() / "mlflow.db"
    if not database.is_file():
        raise UserError(f"--root {root}: no runs here ({database} is missing); give the `root` of a run")
    require_free(port)
    print(
        f"{address(database, port)} shows the runs of {root.absolute()} in about 20 seconds; Ctrl-C ends it",
        flush=True,
    )
    # Nobody schedules jobs here, and the processes that would do them outlive a server that is killed.
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    os.execv(sys.executable, server_command(database, port))


def address(database: Path, port: int) -> str:
    """The page with the newest runs and their scores; MLflow's front page where there are none."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            newest = connection.execute("SELECT experiment_id FROM runs ORDER BY start_time DESC LIMIT 1")
            row = newest.fetchone()
    except sqlite3.Error:  # MLflow will say what is wrong with it
        row = None
    if not row:
        return f"http://{HOST}:{port}"
    if has_app():
        return f"http://{HOST}:{port}/{APP}/{row[0]}"
    # Without the type, the page opens a view for language models.
    return f"http://{HOST}:{port}/#/experiments/{row[0]}/runs?workflowType=machine_learning"


def has_app() -> bool:
    """Whether MLflow finds our columns for its list of runs; not where an installation is older than they."""
    return bool(entry_points(group="mlflow.app", name=APP))


def server_command(database: Path, port: int) -> list[str]:
    """The command line of the server; one worker process is plenty for one person."""
    server = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    return [
        *server,
        *(("--app-name", APP) if has_app() else ()),
        "--backend-store-uri",
        f"sqlite:///{database}",
    ]


def require_free(port: int) -> None:
    """Raises:
    UserError: another program listens on the port, or it is none.
    """
    if not 0 < port < 65536:
        raise UserError(f"--port {port}: must be from 1 to 65535; use 5000")
    with socket.socket() as probe:
        # As servers do: a port whose last connections are still being closed is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(
                f"--port {port}: {(error.strerror or 'cannot be used').lower()}; try --port {port + 1}"
            ) from None
