"""Candidates are trained by jobs; the trainings themselves are stood in for."""

import io

import pytest

from orchestrator.checkpoints.store import CheckpointMeta
from orchestrator.config.errors import ConfigError
from orchestrator.console.console import Console
from orchestrator.jobs.job import Outcome
from orchestrator.selection.curves import genotype_id
from orchestrator.selection.journal import Journal
from orchestrator.selection.live import LiveCurves, one_after_another
from orchestrator.selection.result import Request
from search_space.zoo.published import PUBLISHED
from tests.orchestrator.tiny_jobs import tiny_job
from trainers.guarded_step import NonFiniteLoss

GENOTYPE = PUBLISHED["eagan"].genotype
ID = genotype_id(GENOTYPE)


class Launches:
    """Every launch scores its step plus its seed; a seed in `diverging` or `killed` ends otherwise."""

    def __init__(self, diverging=(), killed=()):
        self.jobs = []
        self._ends = dict.fromkeys(diverging, NonFiniteLoss("loss")) | dict.fromkeys(
            killed, KeyboardInterrupt()
        )

    def __call__(self, job, _emit):
        self.jobs.append(job)
        if error := self._ends.get(job.experiment.seed):
            raise error
        step = job.end
        return Outcome(step, {"fd_digits": step + job.experiment.seed}, {}, job.folder, "images")


@pytest.fixture
def live(tmp_path):
    """Makes a source with its own launches over one journal."""

    def make(launches):
        journal = Journal(tmp_path / "scores.csv")
        experiment = tiny_job(tmp_path).experiment
        console = Console(io.StringIO())
        return LiveCurves(
            experiment,
            {ID: ("eagan", GENOTYPE)},
            tmp_path / "select",
            "fd_digits",
            journal,
            console,
            one_after_another(launches, console),
        )

    return make


def test_a_run_is_a_retraining_to_the_rung_with_its_own_seed_and_folder(live, tmp_path):
    launches = Launches()
    request = Request(ID, 7, 2)
    assert live(launches).scores([request]) == {request: 9}
    (job,) = launches.jobs
    assert (job.stage, job.end, job.experiment.seed) == ("retrain", 2, 7)
    assert job.genotypes == {"generator": GENOTYPE}
    assert job.folder == tmp_path / "select" / GENOTYPE.content_hash / "seed-7"


def test_the_next_rung_is_the_same_training_with_a_later_pause(live):
    launches = Launches()
    live(launches).scores([Request(ID, 0, 2), Request(ID, 0, 3)])
    first, second = launches.jobs
    assert (first.folder, first.end, second.end) == (second.folder, 2, 3)
    assert first.config.steps == second.config.steps == 3


def test_a_loss_that_is_not_finite_is_a_run_without_a_score(live):
    answers = live(Launches(diverging=[1])).scores([Request(ID, seed, 2) for seed in (0, 1, 2)])
    assert list(answers.values()) == [2, None, 4]


def test_scores_are_on_disk_as_they_come(live, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        live(Launches(diverging=[1], killed=[2])).scores([Request(ID, seed, 2) for seed in (0, 1, 2)])
    assert Journal(tmp_path / "scores.csv").known == {Request(ID, 0, 2): 2, Request(ID, 1, 2): None}


def test_a_rung_that_its_run_has_passed_is_refused(live):
    launches = Launches()
    source = live(launches)
    request = Request(ID, 0, 2)
    meta = CheckpointMeta(step=3, identity={}, images="images", metrics={})
    source.job(request).checkpoints.save({}, meta)
    with pytest.raises(ConfigError, match=r"select.rungs: 2 was not scored, and .* is at step 3 already"):
        source.scores([request])
    assert launches.jobs == []
