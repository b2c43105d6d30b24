"""A sweep in an object store: trials on machines that share nothing else, and a driver that sees them."""

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from orchestrator.config.errors import ConfigError
from orchestrator.config.roots import SCRATCH_VARIABLE
from orchestrator.jobs.job import Outcome
from orchestrator.sweep import mlflow_writer
from orchestrator.sweep import trial as module
from orchestrator.sweep.mlflow_writer import MlflowWriter
from orchestrator.sweep.results import write_results
from orchestrator.sweep.stored import send_own, view_of
from orchestrator.sweep.trial import DONE, ENDS, Trial, run_trial
from orchestrator.sweep.validation import validate
from orchestrator.tracking import Tracker
from search_space.sampling import sample_genotype
from tests.orchestrator.checkpoints.machines import be_on
from tests.orchestrator.sweep.sweeps import sweep_of
from tests.orchestrator.sweep.test_results import row
from trainers.report import Report

GENOTYPES = {"generator": sample_genotype("generator", seed=3)}
SCORES = {0: [8.0, 4.0], 1: [6.0, 2.0]}
"""By seed, at steps 10 and 20."""
STEPS = {"retrain.steps": 20, "retrain.report_every": 10, "retrain.evaluation.every": 10}
PARAMS = row(0).params


class Trainings:
    """A retraining gives the scores of its seed; the driver may be killed at one of a seed."""

    def __init__(self, killed_at: int | None = None) -> None:
        self.done: list[tuple[str, int]] = []
        self._killed_at = killed_at

    def __call__(self, job, emit):
        seed = job.experiment.seed
        if (job.stage, seed) == ("retrain", self._killed_at):
            emit(Report(10, {"loss": 1.0, "fd_digits": SCORES[seed][0]}))
            raise KeyboardInterrupt
        self.done.append((job.stage, seed))
        if job.stage == "search":
            emit(Report(5, {"loss": 1.0}, GENOTYPES))
            return Outcome(5, {}, GENOTYPES, Path("c"), "images")
        for step, score in zip((10, 20), SCORES[seed], strict=True):
            emit(Report(step, {"loss": 1.0, "fd_digits": score}))
        return Outcome(20, {"fd_digits": score}, {}, Path("c"), "images", {"extractor": "digits"})


@pytest.fixture
def sweep(store, tracking_uri, monkeypatch):
    monkeypatch.setenv(SCRATCH_VARIABLE, "")
    there = {"root": store.uri, "tracking.uri": tracking_uri}
    return sweep_of(seeds=2, overrides=STEPS | there, storage="sqlite:////heads/study.db")


def trial_of(sweep) -> Trial:
    return Trial(sweep, sweep.base.folder / "mine", PARAMS)


def run(trial, trainings, monkeypatch):
    messages = []
    monkeypatch.setattr(module, "launch", trainings)
    run_trial(trial, messages.append)
    return messages


def test_a_trial_goes_on_on_another_machine_and_the_driver_sees_all_of_it(
    sweep,
    store,
    tmp_path,
    tracking_uri,
    monkeypatch,
):
    be_on(tmp_path / "first")
    sent = pickle.dumps(trial_of(sweep))
    with pytest.raises(KeyboardInterrupt):
        run(trial_of(sweep), Trainings(killed_at=1), monkeypatch)
    shutil.rmtree(tmp_path / "first")

    be_on(tmp_path / "second")
    arrived = pickle.loads(sent)
    assert arrived.folder.is_relative_to(tmp_path / "second")
    missing = Trainings()
    last = run(arrived, missing, monkeypatch)[-1]
    assert missing.done == [("search", 1), ("retrain", 1)]
    local = Trial(sweep_of(seeds=2, overrides=STEPS), tmp_path / "local", PARAMS)
    expected = run(local, Trainings(), monkeypatch)[-1]
    assert [each["fd_digits"] for each in last[DONE]] == [4.0, 2.0]
    assert last["fd_digits"] == expected["fd_digits"]
    assert not [name for name in store.content("mine") if "/." in f"/{name}"], "claims are withdrawn"

    be_on(tmp_path / "third")
    see(sweep, last, tracking_uri, store, monkeypatch)


def see(sweep, last, uri, store, monkeypatch):
    """What the driver's machine, which has done nothing of it, writes."""
    monkeypatch.setattr(mlflow_writer, "STORE_PAUSE", 0.05)
    view = view_of(sweep.base, sweep.base.folder / "mine")
    tracker = Tracker(uri, "advnas", sweep.base.folder)
    trial = replace(row(0), values=(last["fd_digits"],), runs=last[DONE])
    with tracker.run("mine", "sweep", "mine", {}, {}) as parent:
        writer = MlflowWriter(sweep, view, tracker, parent)
        writer.changed(trial)
        writer.close()
    client = MlflowClient(uri)
    seeds = client.search_runs([tracker.experiment_id], "tags.`advnas.stage` = 'seed'")
    curves = {
        int(run.data.params["seed"]): [
            (each.step, each.value) for each in client.get_metric_history(run.info.run_id, "fd_digits")
        ]
        for run in seeds
    }
    # Seed 1 reported step 10 twice: before its machine was lost and after.
    assert curves == {seed: list(zip((10, 20), scores, strict=True)) for seed, scores in SCORES.items()}
    table = write_results(sweep, [trial], view)
    send_own(sweep.base, view)
    assert store.content("mine")["trials.parquet"] == table.read_bytes()
    import pyarrow.parquet

    (record,) = pyarrow.parquet.read_table(table).to_pylist()
    assert record["genotype_by_seed"] == [GENOTYPES["generator"].content_hash] * 2


def test_a_store_that_does_not_answer_ends_the_sweep_and_is_no_failure_of_the_trial(
    sweep,
    s3,
    tmp_path,
    monkeypatch,
):
    be_on(tmp_path / "first")
    s3.stop()
    try:
        (message,) = run(trial_of(sweep), Trainings(), monkeypatch)
    finally:
        s3.start()
    assert list(message) == [ENDS]
    assert "see that the store answers" in message[ENDS]


def test_the_study_needs_a_database_of_its_own():
    there = {"root": "s3://bucket/runs", "tracking.uri": "http://127.0.0.1:5000"}
    with pytest.raises(ConfigError, match=r"root: .*; set storage to a database \(postgresql://HOST/NAME"):
        validate(sweep_of(overrides=there))
    validate(sweep_of(overrides=there, storage="postgresql://127.0.0.1/studies"))
