from types import SimpleNamespace

import pytest
import torch

from orchestrator.jobs.probe import probe
from tests.orchestrator.tiny_jobs import Recorder, tiny_job
from trainers.ticks import tick, watched_by

CPU = torch.device("cpu")


def test_a_probe_takes_as_long_per_step_as_the_steps_do(tmp_path, monkeypatch):
    now = [0.0]

    def slow(state, *_):
        now[0] += 0.25
        state.step += 1
        return {}

    monkeypatch.setattr("trainers.retrain.retrain_step", slow)
    monkeypatch.setattr("orchestrator.jobs.probe.time", SimpleNamespace(perf_counter=lambda: now[0]))
    costs = probe(tiny_job(tmp_path, "retrain"), CPU)
    assert costs.step == 0.25
    assert costs.image is None, "nothing is scored"


def test_a_probe_changes_no_random_number_and_leaves_nothing(tmp_path):
    torch.manual_seed(3)
    before, seen = torch.get_rng_state(), []
    with watched_by(seen.append):
        assert probe(tiny_job(tmp_path, "retrain"), CPU).step > 0
        tick(7)
    assert torch.equal(torch.get_rng_state(), before)
    assert seen == [7], "its steps are not the stage's"
    assert not list(tmp_path.rglob("checkpoints"))


def test_scores_are_timed_where_there_are_some(tmp_path):
    options = {"retrain__evaluation__every": 1, "retrain__evaluation__samples": 8}
    assert probe(tiny_job(tmp_path, "retrain", **options), CPU).image > 0


@pytest.mark.parametrize("option", [{"cluster__num_workers": 2}, {"compute__compile": True}])
def test_nothing_is_probed_where_this_process_would_not_tell(tmp_path, option):
    assert probe(tiny_job(tmp_path, "retrain", **option), CPU) is None


@pytest.mark.parametrize(
    ("every", "step", "images"), [(2, 0, 160), (2, 1, 160), (2, 2, 80), (2, 3, 0), (0, 0, 0), (3, 0, 80)]
)
def test_a_job_knows_how_many_images_are_scored_after_a_step(tmp_path, every, step, images):
    """Three steps, reported one by one: of `every` 2, steps 2 and 3 are scored with 80 images each."""
    options = {"retrain__evaluation__every": every, "retrain__evaluation__samples": 80}
    assert tiny_job(tmp_path, "retrain", **options).images_after(step) == images


def test_the_images_after_a_step_are_those_of_the_reports_that_are_scored(tmp_path):
    from orchestrator.cluster.launch import launch

    options = {"retrain__evaluation__every": 2, "retrain__evaluation__samples": 8}
    job, emit = tiny_job(tmp_path, "retrain", **options), Recorder()
    launch(job, emit)
    scored = [report.step for report in emit.reports if "fd_digits" in report.metrics]
    assert job.images_after(0) == 8 * len(scored)
