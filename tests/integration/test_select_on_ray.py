"""Candidates trained side by side on Ray come to what they come to one after another in this process."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from orchestrator.cluster.launch import launch
from orchestrator.console.console import Console
from orchestrator.jobs.job import Job, Outcome
from orchestrator.selection.live import Run, one_after_another, side_by_side
from orchestrator.selection.result import Request
from orchestrator.trainings.runs import ended, listening
from search_space.errors import UserError
from search_space.sampling import sample_genotype
from tests.orchestrator.tiny_jobs import differences, final_state, tiny_job
from trainers.guarded_step import NonFiniteLoss


@pytest.fixture(scope="module", autouse=True)
def ray_of_our_own() -> Iterator[None]:
    """One Ray for all tests of this file."""
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


def run_of(root: Path, seed: int, **options: object) -> Run:
    job = tiny_job(root, "retrain", seed=seed, **options)
    genotype = sample_genotype("generator", seed)
    job = Job("retrain", job.experiment, {"generator": genotype}, root / "select" / str(seed))
    return Run(Request("id", seed, job.config.steps), f"seed {seed}", job)


@pytest.mark.usefixtures("one_thread")
def test_side_by_side_equals_one_after_another(tmp_path: Path) -> None:
    expected, found = {}, {}
    for run, outcome in one_after_another(launch, Console(io.StringIO()))(
        [run_of(tmp_path / "turns", seed) for seed in range(3)]
    ):
        expected[run.request] = outcome
    runs = [run_of(tmp_path / "together", seed) for seed in range(3)]
    for run, outcome in side_by_side(runs[0].job.experiment.cluster, None)(runs):
        found[run.request] = outcome
    assert found.keys() == expected.keys()
    for request, outcome in found.items():
        assert isinstance(outcome, Outcome)
        assert differences(final_state(outcome), final_state(expected[request])) == []


def test_a_diverged_run_is_a_result_and_a_mistake_of_the_user_is_raised_as_it_is(tmp_path: Path) -> None:
    hot = run_of(
        tmp_path, 0, retrain__generator_optimizer__lr=1e30, retrain__discriminator_optimizer__lr=1e30
    )
    cluster = hot.job.experiment.cluster
    ((_, outcome),) = side_by_side(cluster, 1)([hot])
    assert isinstance(outcome, NonFiniteLoss)
    elsewhere = {"data__name": "image_folder", "data__root": str(tmp_path / "nowhere")}
    eyes = {f"{stage}__evaluation__extractor": "efficientnet_lite0" for stage in ("search", "retrain")}
    missing = run_of(tmp_path, 1, **elsewhere, **eyes)
    with pytest.raises(UserError, match="nowhere") as raised:
        list(side_by_side(cluster, 1)([missing]))
    assert "Traceback" not in str(raised.value)


def test_what_listens_hears_the_reports_of_a_run_where_it_is_trained(tmp_path: Path) -> None:
    scored = {"retrain__evaluation__every": 1, "retrain__evaluation__samples": 20}
    run = run_of(tmp_path, 0, **scored)
    ((_, outcome),) = side_by_side(run.job.experiment.cluster, 1, "reliability", listening)([run])
    assert isinstance(outcome, Outcome)
    heard = ended(run.job, "id", None, {})
    assert list(heard.scores) == [1, 2, 3]
    assert heard.scores[3]["fd_digits"] == outcome.metrics["fd_digits"]
