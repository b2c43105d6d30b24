"""A real server that goes away: in this process, as starting one of its own takes half a minute."""

import os
from collections.abc import Iterator

import pytest

from orchestrator.tracking import Tracker, TrackingError, outbox
from orchestrator.tracking.entry import now
from tests.mlflow_server import Server, server_of
from tests.orchestrator.tracking.examples import opened, report

STEPS = (50, 100, 150, 200)


@pytest.fixture(autouse=True)
def all_writes_succeed() -> None:
    """Not here."""


@pytest.fixture
def server(root, uri, monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "120")  # a server that is gone refuses at once
    with server_of(uri, root / "served") as running:
        yield running


@pytest.fixture
def remote(server, root) -> Tracker:
    return Tracker(f"http://127.0.0.1:{server.port}", "advnas", root)


def test_reports_made_while_the_server_is_away_arrive_when_it_is_back(
    remote, server, client, monkeypatch, caplog
):
    monkeypatch.setattr(outbox, "RETRY_AFTER", 0.0)
    with opened(remote) as run:
        run.report(report(50, grey=1))
        server.stop()
        run.report(report(100, grey=1))
        run.report(report(150, grey=1))
        assert len(list((run._outbox.folder).glob("*.json"))) == 2
        back = now()
        server.start()
        run.report(report(200, grey=1))
    points = client.get_metric_history(run.run_id, "loss")
    assert [point.step for point in points] == [50, 100, 150, 200]
    assert [point.timestamp < back for point in points] == [True, True, True, False]
    assert client.get_run(run.run_id).info.status == "FINISHED"
    assert not run._outbox.folder.exists()
    assert caplog.text.count("MLflow does not take the data, the run goes on") == 1


def test_while_the_server_is_away_it_is_not_tried_at_every_report(remote, server, monkeypatch):
    run = opened(remote)
    server.stop()
    attempts = []
    monkeypatch.setattr(outbox, "send", lambda *_, **__: attempts.append(1) or os.stat("/nowhere"))
    for step in STEPS:
        run.report(report(step))
    assert len(attempts) == 1


def test_a_run_that_ends_without_server_says_where_its_data_lies_and_sends_it_when_started_again(
    remote, server, client, history, caplog
):
    run = opened(remote)
    server.stop()
    run.report(report(50))
    run.finish("FINISHED", patience=0)
    folder = run._outbox.folder
    assert f"2 writes wait in {folder}" in caplog.text
    (folder / "00000009.partial").write_text("written when the process was killed")
    server.start()
    again = opened(remote)
    assert again.last_step == 50
    again.report(report(50))
    again.report(report(100))
    assert [step for step, _ in history(run.run_id, "loss")] == [50, 100]
    assert client.get_run(run.run_id).info.status == "RUNNING"
    assert not folder.exists()


def test_a_server_that_is_not_there_at_the_start_is_an_error_of_one_line(server, root):
    server.stop()
    with pytest.raises(TrackingError) as error:
        Tracker(f"http://127.0.0.1:{server.port}", "advnas", root)
    assert str(error.value).startswith(f"tracking.uri = http://127.0.0.1:{server.port}: ")
    assert str(error.value).endswith("start the server, or correct tracking.uri; null is a database in root")
    assert "\n" not in str(error.value)


def test_what_the_store_refuses_for_good_is_not_silently_left_behind(remote, server, monkeypatch):
    run = opened(remote)
    server.stop()
    run.report(report(50))
    server.start()
    monkeypatch.setattr(outbox, "send", lambda *_, **__: os.stat("/nowhere"))
    with pytest.raises(TrackingError, match="MLflow refuses what an earlier start of this run left there"):
        opened(remote)
