"""An MLflow server with PostgreSQL behind it, started as Debian ships it, on 127.0.0.1."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from mlflow import MlflowClient

from orchestrator.tracking import Tracker
from orchestrator.tracking.sending import outbox
from tests.mlflow_server import server_of
from tests.orchestrator.tracking.examples import opened, report

PROGRAMS = ("initdb", "postgres")


def program(name: str) -> str | None:
    """Debian keeps them beside the search path, a folder for each version."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(found[-1]) if found else None)


def unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses root: as whom to start it."""
    if os.getuid():
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL refuses root, and there is no user postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture
def database() -> Iterator[str]:
    """Address of an empty one."""
    initdb, postgres = map(program, PROGRAMS)
    if not (initdb and postgres):
        pytest.skip("no PostgreSQL here (Debian: apt install postgresql)")
    pytest.importorskip("psycopg")
    user = unprivileged()
    with TemporaryDirectory() as place, socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
        probe.close()
        if user:
            os.chown(place, user["user"], user["group"])
        data, options = f"{place}/data", {"cwd": place, "stdout": subprocess.DEVNULL, **user}
        words = ["--auth=trust", "--username=advnas", "--encoding=UTF8", "--no-sync"]
        subprocess.run([initdb, "-D", data, *words], check=True, **options)
        words = ["-h", "127.0.0.1", "-p", str(port), "-k", place, "-F"]
        server = subprocess.Popen([postgres, "-D", data, *words], stderr=subprocess.DEVNULL, **options)
        try:
            wait_for(place, port)
            yield f"postgresql://advnas@127.0.0.1:{port}/postgres"
        finally:
            server.kill()
            server.wait()


def wait_for(place: str, port: int) -> None:
    import psycopg

    for _ in range(300):
        try:
            psycopg.connect(host=place, port=port, user="advnas", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise AssertionError("PostgreSQL does not start")


def test_a_run_that_is_away_for_a_while_and_started_again_is_recorded_once(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(outbox, "RETRY_AFTER", 0.0)
    with server_of(database, tmp_path / "served") as server:
        uri = f"http://127.0.0.1:{server.port}"
        run = opened(Tracker(uri, "advnas", tmp_path))
        run.report(report(50, grey=1))
        server.stop()
        run.report(report(100, grey=1))
        server.start()
        run.report(report(150, grey=1))
        with opened(Tracker(uri, "advnas", tmp_path)) as again:
            assert (again.run_id, again.last_step) == (run.run_id, 150)
            again.report(report(150, grey=1))
            again.report(report(200, grey=1))
        client = MlflowClient(uri)
        points = client.get_metric_history(run.run_id, "loss")
        assert [point.step for point in points] == [50, 100, 150, 200]
        assert client.get_run(run.run_id).info.status == "FINISHED"
        pngs = [file for file in client.list_artifacts(run.run_id, "images") if file.path.endswith(".png")]
        assert len(pngs) == 4
