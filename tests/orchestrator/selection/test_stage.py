"""The stage as a whole: real trainings of the smallest networks, interrupted and gone on with."""

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from orchestrator.artifacts.genotypes import generator_genotype
from orchestrator.cluster import launch as launching
from orchestrator.compare.resolve import candidates
from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import with_overrides
from orchestrator.console.console import Console
from orchestrator.selection import journal as files
from orchestrator.selection.plan import plan_of
from orchestrator.selection.replay import replay
from orchestrator.selection.result import SelectionError
from orchestrator.selection.stage import select_in
from orchestrator.stages.results import document
from orchestrator.stages.session import Session
from search_space.genotype import Genotype
from search_space.networks.generator_file import load_generator
from tests.orchestrator.tiny_jobs import tiny_job
from tests.orchestrator.yardstick.reliable import measured, save_measured
from trainers.guarded_step import NonFiniteLoss

OPTIONS = {
    "name": "small",
    "select.rungs": [2, 3],
    "select.max_repeats": 1,
    "select.random": 2,
    "select.zoo": ["eagan"],
    "retrain.evaluation.samples": 20,
}


def session_of(root, **options):
    experiment = with_overrides(tiny_job(root).experiment, OPTIONS | options)
    return Session.begin(experiment, Console(io.StringIO()))


def select(root, launch=launching.launch, **options):
    session = session_of(root, **options)
    return document(select_in(session, plan_of(session, None), launch))


def select_mirrored(root, store, launch):
    """With copies in a folder, and MLflow in the root nevertheless."""
    session = session_of(root)
    experiment = session.experiment.model_copy(update={"mirror": store.as_uri()})
    session = replace(session, experiment=experiment)
    return document(select_in(session, plan_of(session, None), launch))


def scores(result):
    with Path(result["scores"]).open() as file:
        return {(row["genotype"], row["seed"], row["step"]): row["score"] for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def result(root):
    return select(root)


def test_mlflow_has_a_child_for_each_training_with_the_curves_of_a_retraining(result):
    client = MlflowClient(result["tracking_uri"])
    parent = client.get_run(result["run_id"])
    where = f"tags.`mlflow.parentRunId` = '{result['run_id']}'"
    children = client.search_runs([parent.info.experiment_id], where)
    assert len(children) == 3
    reached = scores(result)
    for child in children:
        assert child.info.status == "FINISHED"
        assert child.info.start_time < child.info.end_time
        steps = [
            (each.step, each.value) for each in client.get_metric_history(child.info.run_id, "fd_digits")
        ]
        shown = client.get_metric_history(result["run_id"], f"{child.info.run_name}/fd_digits")
        assert [(each.step, each.value) for each in shown] == steps
        kept = [float(score) for (_, _, step), score in reached.items() if step == str(steps[-1][0])]
        assert steps[-1][1] in [pytest.approx(score) for score in kept]
        assert "loss_generator" in child.data.metrics
        assert "samples.png" in [file.path for file in client.list_artifacts(child.info.run_id)]
        assert child.data.params["generator.cell0.edge00"]
    assert {params["data"] for params in (child.data.params for child in children)} == {"digits"}


def test_the_choice_is_the_best_of_the_last_rung(result):
    last = {genotype: float(score) for (genotype, _, step), score in scores(result).items() if step == "3"}
    best = min(last, key=last.get)
    assert len(scores(result)) == 3 + 2
    assert json.dumps(result["genotypes"]["generator"]["rows"], separators=(",", ":")) == best
    assert result["metrics"] == {"fd_digits": last[best], "steps_trained": 3 * 2 + 2 * 1}


def test_the_choice_can_be_retrained_by_the_name_of_the_run(result, root):
    chosen = Genotype.load(Path(result["genotypes"]["generator"]["file"]))
    assert generator_genotype("small", root, result["tracking_uri"], "retrain.genotype") == chosen


def test_the_ranking_is_left_as_rows(result):
    rows = pq.read_table(result["ranking"]).to_pylist()
    assert sorted(row["step"] for row in rows) == [2, 2, 2, 3, 3]
    assert [row["name"] for row in rows if row["chosen"] and row["step"] == 3] == [result["choice"]]


def test_its_scores_can_be_replayed(result):
    assert replay(Path(result["scores"])).runs == 3


def test_mlflow_has_the_choice_the_ranking_and_what_it_cost(result):
    client = MlflowClient(result["tracking_uri"])
    run = client.get_run(result["run_id"])
    assert run.data.metrics["fd_digits"] == result["metrics"]["fd_digits"]
    assert run.data.metrics["steps_trained"] == 8
    assert run.data.tags["advnas.choice"] == result["choice"]
    files = {file.path for file in client.list_artifacts(result["run_id"])}
    assert {"ranking.parquet", "selection.json", "scores.csv", "genotype_generator.json"} <= files


def test_every_candidate_leaves_a_generator_and_those_that_were_cut_no_checkpoint(result, root):
    last = {genotype for genotype, _, step in scores(result) if step == "3"}
    for rows, _, _ in scores(result):
        genotype = Genotype.from_rows("generator", json.loads(rows))
        folder = root / "small" / "select" / genotype.content_hash / "seed-0"
        found = load_generator(folder / "generator.pt")
        assert found[1].rows == genotype.rows
        assert (folder / "checkpoints").exists() == (rows in last)


def test_a_comparison_shows_every_candidate_with_its_score_and_generator(result, root):
    found = candidates(["small"], root, result["tracking_uri"])
    assert len(found) == 3
    recorded = {float(score) for score in scores(result).values()}
    for each in found:
        (training,) = each.trainings
        assert set(training.scores.values()) < recorded
        assert load_generator(each.best_generator("fd_digits"))[1].rows == each.genotype.rows


def test_started_again_nothing_is_trained_and_the_result_is_the_same(result, root):
    assert select(root, launch=None) == result


def test_another_recipe_under_the_same_name_is_refused(result, root):
    assert result
    with pytest.raises(ConfigError, match=r"retrain.batch_size = 4: the selection in .* was started with 8"):
        select(root, launch=None, **{"retrain.batch_size": 4})


def test_interrupted_between_any_two_steps_it_comes_to_the_same_scores(result, tmp_path):
    launched = []

    def dies_in_the_second_and_fourth(job, emit):
        def report(one):
            emit(one)
            if len(launched) in (2, 4) and one.step < job.end:
                raise KeyboardInterrupt

        launched.append(job.folder)
        return launching.launch(job, report)

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            select(tmp_path, launch=dies_in_the_second_and_fourth)
    assert scores(select(tmp_path)) == scores(result)


def test_after_the_loss_of_its_disk_it_goes_on_from_the_copies(result, tmp_path):
    lost, found = tmp_path / "lost", tmp_path / "found"
    launched = []

    def dies_in_the_fifth(job, emit):
        launched.append(job.folder)
        if len(launched) == 5:
            raise KeyboardInterrupt
        return launching.launch(job, emit)

    with pytest.raises(KeyboardInterrupt):
        select_mirrored(lost, tmp_path / "store", dies_in_the_fifth)
    shutil.rmtree(lost)
    assert scores(select_mirrored(found, tmp_path / "store", dies_in_the_fifth)) == scores(result)
    assert len(launched) == 5 + 1


def test_it_says_what_its_runs_cannot_show_where_a_reliability_run_has_measured_the_recipe(result, tmp_path):
    assert "reliability" not in result
    output = io.StringIO()
    session = replace(session_of(tmp_path), console=Console(output))
    found = measured((0.5, 0.9, 0.95))
    save_measured(session.experiment, "yardstick", found)
    told = document(select_in(session, plan_of(session, None)))["reliability"]
    assert told.startswith(
        f"with this recipe and 1 seed, differences under a factor of {found.factors[1]:.2f}"
    )
    assert told in output.getvalue()


def test_everyone_diverged_is_said_and_the_scores_stay(tmp_path):
    def diverge(_job, _emit):
        raise NonFiniteLoss("loss")

    with pytest.raises(SelectionError, match="select: nothing chosen, as every candidate still standing"):
        select(tmp_path, launch=diverge)
    assert list(scores({"scores": tmp_path / "small" / "select" / files.SCORES_FILE}).values()) == [""] * 3
