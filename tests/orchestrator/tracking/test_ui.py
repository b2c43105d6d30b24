import asyncio
import os
import socket
import sqlite3
import sys
import tomllib
from contextlib import closing
from pathlib import Path
from pkgutil import resolve_name

import pytest

from orchestrator.__main__ import main
from orchestrator.tracking import ui
from orchestrator.tracking.ui import HOST, address, server_command


@pytest.fixture
def runs(tmp_path):
    (tmp_path / "mlflow.db").touch()
    return tmp_path


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def test_the_server_shows_the_runs_to_this_machine_only(runs, free_port, monkeypatch, capsys):
    served = []
    monkeypatch.setattr(os, "execv", lambda program, words: served.append((program, words)))
    assert main(["ui", "--root", str(runs), "--port", str(free_port)]) == 0
    [(program, words)] = served
    assert program == sys.executable
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[words.index("--port") + 1] == str(free_port)
    assert words[words.index("--backend-store-uri") + 1] == f"sqlite:///{runs}/mlflow.db"
    assert f"http://127.0.0.1:{free_port} " in capsys.readouterr().out


RUNS_PAGE = "http://127.0.0.1:5000/#/experiments/3/runs?workflowType=machine_learning"


@pytest.mark.parametrize(
    ("has_app", "expected"), [(True, "http://127.0.0.1:5000/advnas/3"), (False, RUNS_PAGE)]
)
def test_the_address_is_that_of_the_newest_runs_with_our_columns(tmp_path, monkeypatch, has_app, expected):
    monkeypatch.setattr(ui, "has_app", lambda: has_app)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        database.execute("CREATE TABLE runs (experiment_id INTEGER, start_time BIGINT)")
        database.executemany("INSERT INTO runs VALUES (?, ?)", [(1, 10), (3, 30), (2, 20)])
        database.commit()
    assert address(tmp_path / "mlflow.db", 5000) == expected


def test_the_page_sets_columns_without_a_banner_and_goes_on_to_the_runs():
    from starlette.requests import Request

    from orchestrator.tracking.ui_app import app, opened

    assert app.router.routes[0].path == "/advnas/{experiment}"
    request = Request({"type": "http", "path_params": {"experiment": "3"}})
    page = asyncio.run(opened(request)).body.decode()
    assert "viewStateShareKey" not in page
    assert "metrics.`best`" in page
    assert "params.`data`" in page
    assert 'location.replace("/#/experiments/" + "3" + "/runs' in page


def test_the_page_that_is_opened_belongs_to_the_package():
    pyproject = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    entry = pyproject["project"]["entry-points"]["mlflow.app"][ui.APP]
    assert hasattr(resolve_name(entry), "router")


def test_a_database_elsewhere_is_named_by_its_absolute_path(runs, monkeypatch):
    monkeypatch.chdir(runs.parent)
    command = server_command(runs / "mlflow.db", 5000)
    assert command[-1] == f"sqlite:///{runs.absolute()}/mlflow.db"


@pytest.mark.parametrize("port", ["0", "-1", "65536"])
def test_a_number_that_is_no_port_is_a_mistake(port, runs, capsys):
    assert main(["ui", "--root", str(runs), "--port", port]) == 2
    assert capsys.readouterr().err == f"advnas: --port {port}: must be from 1 to 65535; use 5000\n"


def test_a_port_in_use_is_a_mistake(runs, capsys):
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["ui", "--root", str(runs), "--port", str(port)]) == 2
    assert (
        capsys.readouterr().err == f"advnas: --port {port}: address already in use; try --port {port + 1}\n"
    )


def test_a_folder_without_runs_is_a_mistake(tmp_path, capsys):
    assert main(["ui", "--root", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"advnas: --root {tmp_path}: no runs here ({tmp_path}/mlflow.db is missing); "
        "give the `root` of a run\n"
    )
