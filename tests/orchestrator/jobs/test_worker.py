"""Whoever does a job says how many they are, and the checkpoint keeps it."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from orchestrator.jobs import worker
from orchestrator.jobs.job import Job, Outcome
from orchestrator.jobs.training import Training
from orchestrator.jobs.worker import run_worker
from search_space.sampling import sample_genotype
from tests.orchestrator.tiny_jobs import Interrupted, Recorder, differences, final_state, tiny_job
from trainers.report import Report
from trainers.state import TrainingState

CPU = torch.device("cpu")


def done(job: Job) -> Outcome:
    """The job's end, after an interruption at its second report if it begins."""
    if job.checkpoints.latest() is None:
        with pytest.raises(Interrupted):
            run_worker(job, Recorder(fails_at=2), CPU)
    return run_worker(job, Recorder(), CPU)


def test_a_job_in_this_process_has_one_worker_and_says_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = done(tiny_job(tmp_path))
    assert outcome.workers == {0: 1}
    assert json.loads((outcome.checkpoint / "meta.json").read_text())["workers"] == {"0": 1}
    assert caplog.text == ""


def test_one_of_two_elastic_workers_says_so_whenever_it_starts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        outcome = done(tiny_job(tmp_path, cluster__num_workers=2, cluster__min_workers=1))
    assert outcome.workers == {0: 1}
    said = "; the result is that of all workers up to rounding, not bit by bit"
    assert [record.getMessage() for record in caplog.records] == [
        f"elastic: 1 of 2 workers train from step {step} on{said}" for step in (1, 2)
    ]


def test_a_result_keeps_who_has_trained_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = tiny_job(tmp_path, cluster__num_workers=2, cluster__min_workers=1)
    with pytest.raises(Interrupted):
        run_worker(job, Recorder(fails_at=3), CPU)
    monkeypatch.setattr(worker, "world_size", lambda: 2)
    caplog.clear()
    assert run_worker(job, Recorder(), CPU).workers == {0: 1, 2: 2}
    assert "2 of 2 workers train from step 3 on; the result is that of all workers up to" in caplog.text


@pytest.mark.parametrize("lr_decay", ["none", "linear"])
def test_a_training_that_pauses_and_goes_on_equals_one_that_never_did(tmp_path: Path, lr_decay: str) -> None:
    straight = tiny_job(tmp_path / "straight", "retrain", retrain__steps=5, retrain__lr_decay=lr_decay)
    paused = tiny_job(tmp_path / "paused", "retrain", retrain__steps=5, retrain__lr_decay=lr_decay)
    steps = [run_worker(replace(paused, until=rung), Recorder(), CPU).step for rung in (2, 3)]
    assert steps == [2, 3]
    whole, in_parts = (final_state(run_worker(job, Recorder(), CPU)) for job in (straight, paused))
    assert whole["step"] == 5
    assert differences(whole, in_parts) == []


def test_the_learning_rate_at_a_pause_is_that_of_the_whole_training(tmp_path: Path) -> None:
    whole = tiny_job(tmp_path / "whole", "retrain", retrain__steps=5, retrain__lr_decay="linear")
    short = tiny_job(tmp_path / "short", "retrain", retrain__steps=3, retrain__lr_decay="linear")
    paused, ended = (
        final_state(run_worker(replace(job, until=3), Recorder(), CPU)) for job in (whole, short)
    )
    assert differences(paused, ended), "a training of 3 steps has lower rates at each of them"


def test_a_pause_is_scored_whenever_scores_are_due(tmp_path: Path) -> None:
    options = {"retrain__evaluation__every": 3, "retrain__evaluation__samples": 20}
    outcome = run_worker(replace(tiny_job(tmp_path, "retrain", **options), until=2), Recorder(), CPU)
    assert "fd_digits" in outcome.metrics


class TestADiscriminatorThatLearnsNothing:
    def said_of(self, areas: dict[int, float], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let a search report these areas under D's ROC curve, by step."""

        def searching(_job: Job, device: torch.device) -> Training:
            found = {"generator": sample_genotype("generator", 0)}
            reports = [Report(step, {"score_auc": area}, found) for step, area in areas.items()]
            return Training(TrainingState({}, device), lambda *_: iter(reports))

        monkeypatch.setattr(worker, "TRAININGS", {"search": searching})
        run_worker(tiny_job(folder, search__steps=max(areas)), Recorder(), CPU)

    def test_is_named_with_its_cure(self, tmp_path, monkeypatch, caplog):
        self.said_of({100: 0.9, 200: 0.5, 300: 0.6}, tmp_path, monkeypatch)
        assert "ROC curve 0.55 in the second half" in caplog.text
        assert "use search.strategy.opponent=fixed" in caplog.text

    @pytest.mark.parametrize("areas", [{100: 0.5, 200: 0.7, 300: 0.9}, {40: 0.5, 80: 0.5}])
    def test_nothing_is_said_of_one_that_learns_or_has_hardly_begun(
        self, areas, tmp_path, monkeypatch, caplog
    ):
        self.said_of(areas, tmp_path, monkeypatch)
        assert caplog.text == ""
