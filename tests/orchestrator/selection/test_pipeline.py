"""A pipeline with a selection: what was searched is compared, and what is chosen is retrained."""

import io
import json

import pytest

from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import with_overrides
from orchestrator.console.console import Console
from orchestrator.pipeline import pipeline
from search_space.genotype import Genotype
from tests.orchestrator.tiny_jobs import tiny_job

OPTIONS = {
    "name": "small",
    "search.strategy.alpha_optimizer.lr": 1.0,  # so that every step derives another genotype
    "select.rungs": [2],
    "select.max_repeats": 1,
    "retrain.evaluation.every": 3,
    "retrain.evaluation.samples": 20,
}


def test_the_choice_among_what_was_searched_is_retrained(tmp_path):
    experiment = with_overrides(tiny_job(tmp_path).experiment, OPTIONS)
    result = pipeline(experiment, Console(io.StringIO()))
    selected, retrained = result.stages.select, result.stages.retrain
    ranking = json.loads(selected.selection.read_text())["ranking"]
    assert len(ranking) > 1
    assert all(standing["name"].startswith("search step ") for standing in ranking)
    assert selected.choice == ranking[0]["name"]
    assert json.loads(ranking[0]["genotype"]) == [list(row) for row in Genotype.load(result.genotype).rows]
    assert retrained.trained.genotypes["generator"].genotype == selected.genotypes["generator"].genotype
    assert selected.scores.parent.parent.parent == tmp_path / "small"


def test_a_selection_that_does_not_fit_is_refused_before_the_search(tmp_path):
    options = OPTIONS | {"retrain.discriminator.architecture": "derived"}
    with pytest.raises(ConfigError, match=r"retrain.discriminator.architecture = derived"):
        pipeline(with_overrides(tiny_job(tmp_path).experiment, options), Console(io.StringIO()))
    assert not (tmp_path / "small").exists()


def shipping(root, **options):
    options = OPTIONS | {"select.rungs": [0.5, 1.0], **options}
    return pipeline(with_overrides(tiny_job(root).experiment, options), Console(io.StringIO()))


def test_the_better_of_the_finished_runs_is_shipped_and_nothing_is_retrained(tmp_path):
    result = shipping(tmp_path)
    selected = result.stages.select
    last = json.loads(selected.selection.read_text())["rungs"][-1]
    scores = {each["name"]: each["scores"][0] for each in last["standings"]}
    assert last["step"] == 3
    assert len(scores) == 2
    assert selected.choice == min(scores, key=scores.get)
    assert result.stages.retrain is None
    assert result.generator == selected.shipped.generator
    assert result.model.startswith("models:/advnas-generator/")
    # The same weights and latents as at the last rung.
    assert result.metrics["fd_digits"] == pytest.approx(min(scores.values()), rel=1e-4)
    assert shipping(tmp_path) == result


def test_a_choice_is_retrained_if_that_is_asked_for(tmp_path):
    result = shipping(tmp_path, **{"select.retrain": True})
    assert result.generator == result.stages.retrain.generator


def test_what_is_not_finished_cannot_be_shipped(tmp_path):
    options = OPTIONS | {"select.retrain": False}
    with pytest.raises(
        ConfigError, match=r"select.retrain = false: the last rung is step 2 of 3; end select.r"
    ):
        pipeline(with_overrides(tiny_job(tmp_path).experiment, options), Console(io.StringIO()))
