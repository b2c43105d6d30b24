"""A pipeline with a selection: what was searched is compared, and what is chosen is retrained."""

import csv
import io
import json
import shutil

import pytest
import torch

from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import with_overrides
from orchestrator.console.console import Console
from orchestrator.pipeline import pipeline
from orchestrator.selection.curves import genotype_id
from search_space.genotype import Genotype
from search_space.networks.generator_file import load_generator
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
    # The same weights and latents as at the rung of the checkpoint.
    (shipped,) = selected.shipped.generator_score.values()
    assert result.metrics["fd_digits"] == pytest.approx(shipped, rel=1e-4)
    assert shipped <= min(scores.values())
    assert shipping(tmp_path) == result


def test_of_a_run_that_got_worse_the_best_checkpoint_is_shipped(tmp_path):
    def shipped_of(result):
        selected = result.stages.select
        with selected.scores.open() as file:
            rows = [row for row in csv.DictReader(file) if row["genotype"] == chosen_id(selected)]
        return selected, {int(row["step"]): float(row["score"]) for row in rows}

    options = {"select.rungs": [1, 2, 3], "retrain.generator_optimizer.lr": 0.3}
    result = shipping(tmp_path, **options)
    selected, scores = shipped_of(result)
    best = min(scores, key=scores.get)
    assert best < 3, "the training makes this one worse"
    assert selected.shipped.generator_step == best
    assert selected.shipped.generator_score == {"fd_digits": scores[best]}
    assert selected.metrics["fd_digits"] == scores[3], "candidates are compared where they end"
    assert result.metrics["fd_digits"] == pytest.approx(scores[best], rel=1e-4)
    weights = load_generator(selected.shipped.generator)[0].state_dict()
    shutil.rmtree(selected.shipped.checkpoint.parent)
    again, _ = shipped_of(shipping(tmp_path, **options))
    assert again.shipped.generator_step == best, "also where only scores survived"
    for name, value in load_generator(again.shipped.generator)[0].state_dict().items():
        assert torch.equal(value, weights[name])


def chosen_id(selected):
    """Of the candidate that is shipped, as tables of scores have it."""
    return genotype_id(selected.genotypes["generator"].genotype)


def test_a_choice_is_retrained_if_that_is_asked_for(tmp_path):
    result = shipping(tmp_path, **{"select.retrain": True})
    assert result.generator == result.stages.retrain.generator


def test_what_is_not_finished_cannot_be_shipped(tmp_path):
    options = OPTIONS | {"select.retrain": False}
    with pytest.raises(
        ConfigError, match=r"select.retrain = false: the last rung is step 2 of 3; end select.r"
    ):
        pipeline(with_overrides(tiny_job(tmp_path).experiment, options), Console(io.StringIO()))
