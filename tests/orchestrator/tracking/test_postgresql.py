"""An MLflow server with PostgreSQL behind it."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from orchestrator.tracking import Tracker
from orchestrator.tracking.sending import outbox
from tests.mlflow_server import server_of
from tests.orchestrator.tracking.examples import opened, report
from tests.postgresql import postgresql


def test_a_run_that_is_away_for_a_while_and_started_again_is_recorded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(outbox, "RETRY_AFTER", 0.0)
    with postgresql() as database, server_of(database, tmp_path / "served") as server:
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
