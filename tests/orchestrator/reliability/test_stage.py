"""The command as a whole: plans, stand-ins for trainings, files, resuming; once with real trainings."""

import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from orchestrator.checkpoints.object_store import ObjectStoreCopy
from orchestrator.cluster import launch as launching
from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import with_overrides
from orchestrator.console.console import Console
from orchestrator.jobs.job import Outcome
from orchestrator.reliability.plan import Plan, reliability_config
from orchestrator.reliability.stage import reliability_in
from orchestrator.selection.curves import Curves
from orchestrator.selection.replay import replay
from orchestrator.stages.session import Session
from orchestrator.yardstick.measured import ReliabilityError
from tests.orchestrator.tiny_jobs import tiny_job
from trainers.guarded_step import NonFiniteLoss
from trainers.report import Report

OPTIONS = {"name": "yardstick", "reliability.genotypes": 6, "retrain.steps": 4, "reliability.looks": 2}


class Launches:
    """Each genotype has a score of its own, to which the seed adds a little; some launches end otherwise."""

    def __init__(self, diverging=(), killed_at=None):
        self.jobs, self._diverging, self._killed_at = [], diverging, killed_at

    def __call__(self, job, emit):
        self.jobs.append(job)
        if len(self.jobs) == self._killed_at:
            raise KeyboardInterrupt
        quality = int(job.genotypes["generator"].content_hash[:4], 16)
        for step in (2, 4):
            score = (1 + quality) * (1 + 0.1 * job.experiment.seed) * 8 / step
            emit(Report(step, {"fd_digits": score, "loss_generator": 1.0}))
            if (quality, job.experiment.seed) in self._diverging or job.experiment.seed in self._diverging:
                raise NonFiniteLoss("loss of the generator at step 3")
        return Outcome(4, {"fd_digits": score}, {}, job.folder, "images", {"extractor": "digits"})


def measure(root, launch, **options):
    values = OPTIONS | {name.replace("__", "."): value for name, value in options.items()}
    session = Session.begin(with_overrides(tiny_job(root).experiment, values), Console(io.StringIO()))
    return reliability_in(session, reliability_config(session.experiment), launch)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """One folder of runs, so one MLflow database and one classifier of digits; each test has its names."""
    return tmp_path_factory.mktemp("runs")


def plan_of(root, **options):
    experiment = with_overrides(tiny_job(root).experiment, OPTIONS | options)
    return Plan(experiment, reliability_config(experiment), root)


def test_every_genotype_is_retrained_to_the_end_with_the_same_seeds(root):
    launches = Launches()
    measure(root, name="every", launch=launches, seed=7)
    assert len(launches.jobs) == 12
    assert {(job.stage, job.config.steps) for job in launches.jobs} == {("retrain", 4)}
    by_genotype = {}
    for job in launches.jobs:
        by_genotype.setdefault(job.genotypes["generator"].content_hash, []).append(job.experiment.seed)
    assert list(by_genotype.values()) == [[7, 8]] * 6


@pytest.mark.parametrize(
    ("steps", "looks", "expected"), [(4, 2, (2, 4)), (5, 2, (3, 5)), (3, 10, (1, 2, 3)), (4, 1, (4,))]
)
def test_evaluations_lie_at_even_distances_and_the_last_at_the_end(tmp_path, steps, looks, expected):
    plan = plan_of(tmp_path, **{"retrain.steps": steps, "reliability.looks": looks})
    assert plan.steps == expected


def test_more_genotypes_begin_with_the_same_ones(tmp_path):
    few, many = plan_of(tmp_path), plan_of(tmp_path, **{"reliability.genotypes": 8})
    assert list(many.genotypes)[:6] == list(few.genotypes)


def test_the_result_tells_what_the_scores_say(root):
    result = measure(root, name="tells", launch=Launches())
    # All genotypes have the same order with both seeds, and seed 1 makes every score 10 % larger.
    assert result.metrics["seed_correlation"] == pytest.approx(1)
    assert result.metrics["collapsed"] == 0
    assert result.metrics["deviation"] == pytest.approx(0.0953 / 2**0.5, abs=1e-4)
    assert json.loads((root / "tells/reliability/result.json").read_text())["metrics"]
    figures = json.loads(Path(result.figures).read_text())
    assert figures["steps"] == [2, 4]
    assert Path(result.drawing).read_bytes().startswith(b"\x89PNG")


def test_the_table_of_scores_can_be_replayed_by_select(root):
    table = Path(measure(root, name="table", launch=Launches()).scores)
    rows = pq.read_table(table).to_pylist()
    assert len(rows) == 6 * 2 * 2
    assert list(rows[0])[:4] == ["genotype", "seed", "step", "score"]
    assert all(row["fd_digits"] == row["score"] for row in rows)
    curves = Curves.read(table)
    assert curves.runs == 12
    assert replay(table).regret == 0


def test_an_interrupted_measurement_goes_on_with_the_trainings_it_has(root):
    with pytest.raises(KeyboardInterrupt):
        measure(root, name="killed", launch=Launches(killed_at=6))
    resumed = Launches()
    result = measure(root, name="killed", launch=resumed)
    assert len(resumed.jobs) == 12 - 5
    assert result.metrics == measure(root, name="undisturbed", launch=Launches()).metrics


def test_one_that_has_ended_is_extended_by_more_seeds(root):
    measure(root, name="extended", launch=Launches())
    more = Launches()
    measure(root, name="extended", launch=more, reliability__seeds=3)
    assert [job.experiment.seed for job in more.jobs] == [2] * 6


def test_scores_of_another_recipe_are_refused(root):
    measure(root, name="recipe", launch=Launches())
    with pytest.raises(ConfigError, match=r"retrain.ema_decay = 0.5: the reliability in .* another name"):
        measure(root, name="recipe", launch=Launches(), retrain__ema_decay=0.5)


def test_a_lost_folder_goes_on_from_its_copy(root):
    store, folder = root / "store", root / "lost/reliability"
    measure(root, name="lost", launch=Launches())
    copy = ObjectStoreCopy(store.as_uri(), root, folder)
    copy.send_files("runs.jsonl", "recipe.json")
    (folder / "runs.jsonl").unlink()
    copy.fetch_files("runs.jsonl", "recipe.json")
    again = Launches()
    measure(root, name="lost", launch=again)
    assert again.jobs == []


def test_a_run_that_diverged_counts_as_collapsed_and_its_genotype_is_left_out(root):
    launches = Launches()
    measure(root, name="first", launch=launches)
    quality = int(launches.jobs[0].genotypes["generator"].content_hash[:4], 16)
    result = measure(root, name="second", launch=Launches(diverging=[(quality, 1)]))
    figures = json.loads(Path(result.figures).read_text())
    assert (figures["genotypes"], figures["complete"]) == (6, 5)
    assert figures["collapsed"] >= 1 / 12
    table = pq.read_table(result.scores).to_pylist()
    assert sum(row["score"] != row["score"] for row in table) == 1


def test_where_too_few_have_scores_it_says_how_many_are_needed(root):
    with pytest.raises(
        ReliabilityError, match=r"0 of 6 genotypes have finite scores .* at least 4 must; lower"
    ):
        measure(root, name="few", launch=Launches(diverging=[1]))


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("reliability.genotypes", 3, "reliability.genotypes = 3: .* needs at least 4 genotypes"),
        ("reliability.seeds", 1, "reliability.seeds = 1: .* needs at least 2 seeds"),
        ("reliability.metric", "fid", "reliability.metric = fid: not in retrain.*; use fd_digits"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_the_cure(tmp_path, option, value, message):
    with pytest.raises(ConfigError, match=message):
        plan_of(tmp_path, **{option: value})


def test_a_metric_that_may_be_negative_is_refused(tmp_path):
    options = {"retrain.evaluation.metrics": ["fd", "kd"], "reliability.metric": "kd_digits"}
    with pytest.raises(ConfigError, match=r"kd_digits: may be below zero"):
        plan_of(tmp_path, **options)


def test_real_trainings_give_the_same_scores_when_interrupted(root):
    options = {
        "reliability__genotypes": 4, "retrain__steps": 2, "retrain__evaluation__samples": 20
    }  # fmt: skip

    def dies(job, emit):
        def emit_and_die(report):
            emit(report)
            raise KeyboardInterrupt

        return launching.launch(job, emit_and_die)

    with pytest.raises(KeyboardInterrupt):
        measure(root, name="interrupted", launch=dies, **options)
    tables = [
        pq.read_table(measure(root, name=name, launch=launching.launch, **options).scores).to_pylist()
        for name in ("interrupted", "whole")
    ]
    assert tables[0] == tables[1]
    assert len(tables[0]) == 4 * 2 * 2
