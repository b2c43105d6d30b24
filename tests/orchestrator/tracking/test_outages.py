"""A real server that goes away: in this process, as starting one of its own takes half a minute."""

import os
import time
from collections.abc import Iterator

import pytest

from orchestrator.tracking import Tracker, TrackingError
from orchestrator.tracking.sending import outbox
from orchestrator.tracking.sending.entry import now
from tests.mlflow_server import Server, server_of
from tests.orchestrator.tracking.examples import opened, report, settle

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


def refused(run) -> bool:
    """Whether an attempt has failed since the last one that did not; it has some seconds for it."""
    until = time.monotonic() + 120
    while run._outbox._refusal is None and time.monotonic() < until:
        time.sleep(0.01)
    return run._outbox._refusal is not None


def test_reports_made_while_the_server_is_away_arrive_when_it_is_back(
    remote, server, root, client, monkeypatch, caplog
):
    monkeypatch.setattr(outbox, "RETRY_AFTER", 0.2)
    with opened(remote) as run:
        run.report(report(50, grey=1))
        settle(root)
        server.stop()
        run.report(report(100, grey=1))
        run.report(report(150, grey=1))
        assert len(list((run._outbox.folder).glob("*.json"))) == 2
        assert refused(run)
        back = now()
        server.start()
        run.report(report(200, grey=1))
    points = client.get_metric_history(run.run_id, "loss")
    assert [point.step for point in points] == [50, 100, 150, 200]
    assert [point.timestamp < back for point in points] == [True, True, True, False]
    assert client.get_run(run.run_id).info.status == "FINISHED"
    assert not run._outbox.folder.exists()
    assert caplog.text.count("MLflow does not take the data, the run goes on") == 1


def test_while_the_server_is_away_it_is_not_tried_at_every_report(remote, server, root, monkeypatch):
    run = opened(remote)
    settle(root)
    server.stop()
    attempts = []
    monkeypatch.setattr(outbox, "send", lambda *_, **__: attempts.append(1) or os.stat("/nowhere"))
    monkeypatch.setattr(outbox, "RETRY_AFTER", 60.0)
    for step in STEPS:
        run.report(report(step))
        assert refused(run)
    assert len(attempts) == 1


def test_a_run_that_ends_without_server_says_where_its_data_lies_and_sends_it_when_started_again(
    remote, server, root, client, history, caplog
):
    run = opened(remote)
    settle(root)
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


def test_what_waits_for_a_part_of_a_run_is_sent_when_the_whole_is_started_again(
    remote, server, root, client, history
):
    part = opened(remote, stage="seed", id="demo/part")
    settle(root)
    server.stop()
    part.report(report(50))
    part.finish("FINISHED", patience=0)
    assert len(part._outbox.waiting()) == 2
    server.start()
    opened(remote, stage="pipeline")
    assert history(part.run_id, "loss") == [(50, 0.02)]
    assert client.get_run(part.run_id).info.status == "FINISHED"
    assert not part._outbox.folder.exists()


def test_a_server_that_is_not_there_at_the_start_is_an_error_of_one_line(server, root):
    server.stop()
    with pytest.raises(TrackingError) as error:
        Tracker(f"http://127.0.0.1:{server.port}", "advnas", root)
    assert str(error.value).startswith(f"tracking.uri = http://127.0.0.1:{server.port}: ")
    assert str(error.value).endswith("start the server, or correct tracking.uri; null is a database in root")
    assert "\n" not in str(error.value)


def test_what_the_store_refuses_for_good_is_not_silently_left_behind(remote, server, root, monkeypatch):
    run = opened(remote)
    settle(root)
    server.stop()
    run.report(report(50))
    assert refused(run)
    monkeypatch.setattr(outbox, "send", lambda *_, **__: os.stat("/nowhere"))
    server.start()
    with pytest.raises(TrackingError, match="MLflow refuses what an earlier start of this run left there"):
        opened(remote)
