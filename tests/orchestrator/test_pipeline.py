"""The main job in small: what is left behind, what a second start does, what a changed setting redoes."""

import io
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
import torch
from mlflow import MlflowClient

from orchestrator.artifacts.generators import find_generator
from orchestrator.cluster.launch import drive
from orchestrator.config.experiment import Experiment, with_overrides
from orchestrator.console.console import Console
from orchestrator.pipeline import PipelineResult, pipeline
from orchestrator.stages import train as stages
from orchestrator.stages.results import Evaluated, Retrained, Searched, document
from search_space.genotype import Genotype
from search_space.networks.generator_file import load_generator
from tests.orchestrator.tiny_jobs import tiny_job

SCORED = {
    "retrain.evaluation.every": 3,
    "retrain.evaluation.samples": 100,
    "retrain.evaluation.metrics": ["fd"],
}


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    root = tmp_path_factory.mktemp("runs")
    return with_overrides(tiny_job(root).experiment, {"name": "small", **SCORED})


@pytest.fixture(scope="module")
def result(experiment: Experiment) -> PipelineResult:
    return pipeline(experiment, Console(io.StringIO()))


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Stage and number of reports of every job that is launched, finished ones included."""
    jobs = []

    def spy(job, emit):
        steps = []
        outcome = drive(job, lambda report: (steps.append(report.step), emit(report)))
        jobs.append((job.stage, len(steps)))
        return outcome

    monkeypatch.setattr(stages, "drive", spy)
    return jobs


def stages_of(result: PipelineResult) -> tuple[Searched, Retrained, Evaluated]:
    """Those of a pipeline without selection."""
    assert result.stages.search is not None
    return result.stages.search, result.stages.retrain, result.stages.evaluate


def test_it_leaves_a_generator_its_genotype_and_pictures(result):
    generator, genotype = load_generator(result.generator)
    assert genotype == Genotype.load(result.genotype)
    assert generator.config.image_size == 16
    assert result.samples.read_bytes().startswith(b"\x89PNG")
    drawing = result.genotype.with_suffix(".png")
    assert drawing.read_bytes().startswith(b"\x89PNG")


def test_what_is_retrained_is_what_was_searched(result):
    searched = result.stages.search.trained.genotypes["generator"].genotype
    assert result.stages.retrain.trained.genotypes["generator"].genotype == searched


def test_the_score_is_that_of_the_generator_that_is_left(result):
    retrained = result.stages.retrain.trained.metrics["fd_digits"]
    assert result.metrics["fd_digits"] == pytest.approx(retrained, rel=1e-6)


def test_in_mlflow_the_stages_are_children_of_the_pipeline(result):
    client = MlflowClient(result.run.tracking_uri)
    parent = client.get_run(result.run.run_id)
    assert parent.info.status == "FINISHED"
    for stage in ("search", "retrain", "evaluate"):
        child = client.get_run(getattr(result.stages, stage).run.run_id)
        assert child.data.tags["mlflow.parentRunId"] == result.run.run_id
        assert child.data.tags["advnas.stage"] == stage
        assert child.info.status == "FINISHED"
    assert parent.data.metrics["fd_digits"] == pytest.approx(result.metrics["fd_digits"])


def test_the_columns_of_mlflows_list_are_filled(result):
    client = MlflowClient(result.run.tracking_uri)
    runs = [client.get_run(each.run.run_id) for each in (result, *stages_of(result))]
    experiment = client.get_experiment(runs[0].info.experiment_id)
    view = json.loads(experiment.tags["mlflow.sharedViewState.advnas"])
    columns = {column.split("`")[1] for column in view["selectedColumns"]}
    known = {name for run in runs for name in (*run.data.metrics, *run.data.params, *run.data.tags)}
    assert columns - known == {"fid", "is_mean", "kid", "is_digits_mean", "Models"}  # of other metrics
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_the_parent_shows_curves_images_and_the_model_of_its_stages(result):
    client = MlflowClient(result.run.tracking_uri)
    searched, retrained, _ = stages_of(result)
    for stage, prefix in ((searched, "search/"), (retrained, "")):
        for name in ("loss_discriminator", "loss_generator"):
            child = client.get_metric_history(stage.run.run_id, name)
            shown = client.get_metric_history(result.run.run_id, f"{prefix}{name}")
            assert [(each.step, each.value) for each in shown] == [(each.step, each.value) for each in child]
            assert len(child) > 1
    parent, child = (client.get_run(run.run.run_id) for run in (result, retrained))
    assert parent.data.metrics["best"] == parent.data.metrics["last"] == result.metrics["fd_digits"]
    assert parent.data.metrics["parameters"] == child.data.metrics["parameters"] > 1000
    models = [[model.model_id for model in run.outputs.model_outputs] for run in (parent, child)]
    assert models[0] == models[1] != []
    assert "samples.png" in [file.path for file in client.list_artifacts(result.run.run_id)]


def test_params_tell_genotypes_apart_edge_by_edge(result):
    client = MlflowClient(result.run.tracking_uri)
    genotype = Genotype.load(result.genotype)
    for run in (result, *stages_of(result)[:2]):
        params = client.get_run(run.run.run_id).data.params
        assert params["generator.cell0.edge00"] == genotype.cells[0][0]
        assert params["generator.cell2.edge06"] == genotype.cells[2][6]


def test_started_again_nothing_is_trained_and_the_result_is_the_same(experiment, result, launched):
    again = pipeline(experiment, Console(io.StringIO()))
    assert launched == [("search", 0), ("retrain", 0)]
    assert again.metrics == result.metrics
    assert again.run.run_id == result.run.run_id


def test_a_changed_retraining_is_redone_and_the_search_is_not(experiment, result, launched):
    slower = with_overrides(experiment, {"retrain.generator_optimizer.lr": 1e-4})
    other = pipeline(slower, Console(io.StringIO()))
    assert [stage for stage, reports in launched if reports] == ["retrain"]
    assert other.generator != result.generator
    assert result.generator.is_file()


def test_a_genotype_by_name_needs_no_search(experiment, launched):
    named = with_overrides(experiment, {"retrain.genotype": "adversarialnas", "name": "known"})
    result = pipeline(named, Console(io.StringIO()))
    assert [stage for stage, _ in launched] == ["retrain"]
    assert result.stages.search is None


def test_the_result_is_left_as_json(result, experiment):
    left = json.loads((Path(experiment.folder) / "small" / "result.json").read_text())
    assert left["run_id"] == result.run.run_id
    assert list(left) == list(document(result))


def images_without_the_project(result: PipelineResult, latents: np.ndarray, folder: Path) -> np.ndarray:
    """What the registered model makes where only its requirements are installed."""
    np.save(folder / "latents.npy", latents)
    program = f"""
import sys
sys.path.append({sysconfig.get_path("purelib")!r})  # without its .pth files, which lead to the project
import mlflow.pyfunc, numpy
model = mlflow.pyfunc.load_model({result.model!r})
import search_space
assert "/code/search_space/" in search_space.__file__, search_space.__file__
numpy.save("images.npy", model.predict(numpy.load("latents.npy")))
"""
    environment = {"MLFLOW_TRACKING_URI": result.run.tracking_uri, "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True, cwd=folder, env=environment)
    return np.load(folder / "images.npy")


def test_the_generator_is_registered_once_with_what_it_is_and_makes_images(
    experiment, result, tmp_path, monkeypatch
):
    client = MlflowClient(result.run.tracking_uri)
    assert result.model == "models:/advnas-generator/1"
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    again = pipeline(experiment, Console(io.StringIO()))
    assert again.model == result.model
    assert not (tmp_path / "elsewhere.db").exists()
    monkeypatch.delenv("MLFLOW_REGISTRY_URI")
    version = client.get_model_version("advnas-generator", "1")
    genotype = Genotype.load(result.genotype)
    assert version.tags["advnas.genotype.generator"] == genotype.content_hash
    assert float(version.tags["advnas.fd_digits"]) == pytest.approx(result.metrics["fd_digits"], rel=1e-4)
    assert version.tags["advnas.score.extractor"] == "digits"
    every = client.search_model_versions("name = 'advnas-generator'")
    best = min(every, key=lambda each: float(each.tags["advnas.fd_digits"]))  # all scored in one way
    assert client.get_model_version_by_alias("advnas-generator", "champion").version == best.version
    (output,) = client.get_run(version.run_id).outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert json.loads(logged.tags["mlflow.modelVersions"]) == [{"name": "advnas-generator", "version": 1}]
    assert (logged.status, logged.model_type) == ("READY", "generator")
    assert {metric.key: metric.value for metric in logged.metrics} == result.metrics
    kept = {file.path for file in client.list_logged_model_artifacts(logged.model_id, "artifacts")}
    assert "artifacts/samples.png" in kept
    needs = Path(version.source.removeprefix("file://"), "requirements.txt").read_text()
    names = {line.split("==")[0] for line in needs.split()}
    assert names == {"mlflow", "jaxtyping", "numpy", "pydantic", "torch"}
    generator = find_generator(result.model, experiment.folder, result.run.tracking_uri, None)
    assert generator.genotype.content_hash == genotype.content_hash
    latents = torch.randn(5, 120, generator=torch.Generator().manual_seed(1))
    images = images_without_the_project(result, latents.numpy(), tmp_path)
    network, _ = load_generator(result.generator)
    with torch.no_grad():
        expected = (network(latents) * 127.5 + 127.5).clamp(0, 255).to(torch.uint8)
    assert images.shape == (5, 16, 16, 1)
    assert images.dtype == "uint8"
    assert (images == expected.permute(0, 2, 3, 1).numpy()).mean() > 0.99, "truncation may differ by rounding"


def test_nothing_is_registered_where_the_model_has_no_name(experiment):
    unnamed = with_overrides(experiment, {"tracking.model": None})
    assert pipeline(unnamed, Console(io.StringIO())).model is None
