"""Trials in MLflow: while they run, and with their own times."""

import time
from dataclasses import replace
from datetime import UTC, datetime

from orchestrator.sweep import mlflow_writer
from orchestrator.sweep.mlflow_writer import MlflowWriter
from orchestrator.sweep.run_folder import RunFolder, seed_folder, trial_folder
from tests.orchestrator.sweep.sweeps import sweep_of
from tests.orchestrator.sweep.test_results import row
from tests.orchestrator.tracking.conftest import client, root, tracker, uri  # noqa: F401
from trainers.report import Report

BEGAN, ENDED = datetime(2026, 1, 1, 10, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=UTC)


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_trial_is_there_while_it_runs_and_keeps_its_own_times(tracker, root, client, monkeypatch):  # noqa: F811
    monkeypatch.setattr(mlflow_writer, "PAUSE", 0.05)
    sweep, folder = sweep_of(seeds=1), root / "mine"
    running = row(0, state="running", values=None, began=BEGAN, ended=None)
    seed = RunFolder(seed_folder(trial_folder(folder, running.params), 0))
    for stage in ("search", "retrain"):
        seed.file(stage).begin()

    def runs(kind):
        found = client.search_runs([tracker.experiment_id], f"tags.`advnas.stage` = '{kind}'")
        return found[0] if found else None

    def curve(run, key):
        return [(each.step, each.value) for each in client.get_metric_history(run.info.run_id, key)]

    with tracker.run("mine", "sweep", "mine", {}, {}) as parent:
        writer = MlflowWriter(sweep, folder, tracker, parent)
        writer.changed(running)
        seed.file("search").append(Report(10, {"loss_generator": 1.0}))
        seed.file("retrain").append(Report(5, {"loss_generator": 2.0, "fd_digits": 9.0}))
        until(lambda: (now := runs("seed")) and "fd_digits" in now.data.metrics)
        assert runs("seed").info.status == runs("trial").info.status == "RUNNING"
        seed.file("retrain").append(Report(10, {"loss_generator": 2.5, "fd_digits": 7.0}))
        seed.finish({"scores": {"fd_digits": 7.0}, "protocol": {}})
        scores = [{"fd_digits": 7.0}]
        writer.changed(replace(running, state="complete", values=(7.0,), runs=scores, ended=ENDED))
        writer.close()
    one, trial, sweeps = runs("seed"), runs("trial"), runs("sweep")
    assert (trial.info.status, one.info.status) == ("FINISHED", "FINISHED")
    hours = [datetime.fromtimestamp(t / 1000, UTC) for t in (trial.info.start_time, trial.info.end_time)]
    assert hours == [BEGAN, ENDED]
    assert one.info.start_time == seed.file("search").began
    assert curve(one, "search/loss_generator") == [(10, 1.0)]
    assert curve(one, "loss_generator") == [(5, 2.0), (10, 2.5)]
    for run, key in ((one, "fd_digits"), (trial, "seed-0/fd_digits"), (sweeps, "trial-0/seed-0/fd_digits")):
        assert curve(run, key) == [(5, 9.0), (10, 7.0)]
    assert curve(trial, "fd_digits")[:2] == [(5, 9.0), (10, 7.0)]
    assert curve(sweeps, "trials/fd_digits") == [(0, 7.0)]
    assert (trial.data.metrics["best"], trial.data.metrics["last"]) == (7.0, 7.0)
    assert trial.data.params["data"] == "digits"
