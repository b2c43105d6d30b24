"""One trial: seed after seed, intermediate means, failures. Training is stood in for."""

import errno
from pathlib import Path

import pytest

from orchestrator.jobs.job import Outcome
from orchestrator.sweep import trial as module
from orchestrator.sweep.run_folder import RunFolder, seed_folder, trial_folder
from orchestrator.sweep.searcher import StudySearch
from orchestrator.sweep.study import open_study
from orchestrator.sweep.trial import DONE, ENDS, EVALUATIONS, FAILED, Trial, run_trial
from search_space.errors import UserError
from search_space.networks.generator import Generator
from search_space.sampling import sample_genotype
from tests.orchestrator.sweep.sweeps import sweep_of
from tests.orchestrator.test_failures import fill_up
from tests.small_disks import mounted
from trainers.guarded_step import NonFiniteLoss
from trainers.report import Report

PARAMS = {"search.n_critic": 2}
GENOTYPES = {"generator": sample_genotype("generator", seed=3)}
SCORES = {0: [8.0, 4.0], 1: [6.0, 2.0]}
"""By seed, at steps 10 and 20."""


@pytest.fixture
def trial(tmp_path):
    overrides = {"retrain.steps": 20, "retrain.report_every": 10, "retrain.evaluation.every": 10}
    return Trial(sweep_of(seeds=2, overrides=overrides), tmp_path, PARAMS)


@pytest.fixture
def jobs(monkeypatch):
    """The jobs that were done; a retraining gives the scores of its seed."""
    done = []

    def launch(job, emit):
        done.append((job.stage, job.experiment.seed))
        assert job.experiment.search.n_critic == 2
        metrics = {}
        if job.stage == "search":
            emit(Report(5, {"loss": 1.0, "fd_digits": 99.0}, GENOTYPES))
        else:
            for step, score in zip((10, 20), SCORES[job.experiment.seed], strict=True):
                metrics = {"loss": 1.0, "fd_digits": score}
                emit(Report(step, metrics))
        return Outcome(20, metrics, GENOTYPES, Path("c"), "images", {"extractor": "digits"})

    monkeypatch.setattr(module, "launch", launch)
    return done


def run(trial):
    messages = []
    run_trial(trial, messages.append)
    return messages


def test_each_seed_searches_and_retrains(trial, jobs):
    run(trial)
    assert jobs == [("search", 0), ("retrain", 0), ("search", 1), ("retrain", 1)]


@pytest.mark.usefixtures("jobs")
def test_intermediate_values_are_means_over_seeds(trial):
    messages = run(trial)
    assert [(each[EVALUATIONS], each["fd_digits"]) for each in messages] == [
        (1, 8.0),
        (2, 4.0),
        (3, 5.0),  # the first seed's last score and the second's first
        (4, 3.0),
        (4, 3.0),  # the whole trial
    ]
    assert [run["fd_digits"] for run in messages[-1][DONE]] == [4.0, 2.0]


def test_what_is_done_is_not_done_again(trial, jobs):
    before = run(trial)[-1]
    jobs.clear()
    assert run(trial) == [before]
    assert jobs == []


@pytest.mark.usefixtures("jobs")
def test_curves_and_results_stay_in_the_run_s_folder(trial):
    run(trial)
    folder = RunFolder(seed_folder(trial_folder(trial.folder, PARAMS), 1))
    assert [(report.step, report.metrics["fd_digits"]) for report in folder.reports("retrain")] == [
        (10, 6.0),
        (20, 2.0),
    ]
    (searched,) = folder.reports("search")
    assert searched.genotypes == GENOTYPES
    result = folder.result()
    assert result is not None
    assert result["genotype"] == GENOTYPES["generator"].content_hash
    assert result["scores"]["latency"] > 0
    config = trial.sweep.base.retrain.generator
    weights = sum(each.numel() for each in Generator(config, GENOTYPES["generator"]).parameters())
    assert result["scores"]["parameters"] == weights


@pytest.mark.parametrize(
    "error", [NonFiniteLoss("loss of D at step 7\nmore"), KeyError("bug"), MemoryError()]
)
def test_a_failure_is_the_last_message(trial, monkeypatch, error):
    def launch(*_):
        raise error

    monkeypatch.setattr(module, "launch", launch)
    (message,) = run(trial)
    assert message[FAILED].startswith(type(error).__name__)
    assert "\n" not in message[FAILED]
    assert "Traceback" in (trial_folder(trial.folder, PARAMS) / "failure.txt").read_text()


@pytest.mark.usefixtures("jobs")
def test_a_score_that_is_not_finite_is_a_failure(trial, monkeypatch):
    monkeypatch.setitem(SCORES, 1, [6.0, float("inf")])
    assert FAILED in run(trial)[-1]


def test_a_line_that_was_cut_short_is_left_out(tmp_path):
    folder = RunFolder(tmp_path)
    folder.file("search").append(Report(1, {"loss": 1.0}))
    folder.file("search").append(Report(1, {"loss": 1.0}))
    with (tmp_path / "search.jsonl").open("a") as file:
        file.write('{"step": 2, "metr')
    assert [report.step for report in folder.reports("search")] == [1]
    folder.file("search").append(Report(3, {"loss": 1.0}))  # is not swallowed by the line before it
    assert [report.step for report in folder.reports("search")] == [1, 3]


@pytest.fixture
def full_disk(tmp_path):
    """A file system of 64 KiB without any space left."""
    with mounted(tmp_path, "size=64k") as disk:
        fill_up(disk / "ballast")
        yield disk


def test_a_full_disk_is_no_failure_of_the_trial(full_disk):
    sweep = sweep_of()
    (message,) = run(Trial(sweep, full_disk, PARAMS))
    assert "No space left" in message[ENDS]
    study = open_study(sweep, "full", full_disk.parent)
    search = StudySearch(sweep, study)
    search.suggest("a")
    search.on_trial_complete("a", message)
    assert search.failed == 0
    assert "No space left" in search.stopped_by
    assert len(StudySearch(sweep, study)._left) == 1


def test_a_full_disk_behind_another_error_is_found(trial, monkeypatch):
    def launch(*_):
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise UserError("checkpoint: cannot be written") from error

    monkeypatch.setattr(module, "launch", launch)
    assert list(run(trial)[-1]) == [ENDS]
