"""Finished reliability runs without a training: figures as `measure` makes them of made-up scores."""

import json
from pathlib import Path

import numpy as np

from orchestrator.config.experiment import Experiment
from orchestrator.yardstick.known import recipe_of
from orchestrator.yardstick.measured import Measured, measure

GENOTYPES = 40


def measured(agreements: tuple[float, ...], metric: str = "fd_digits") -> Measured:
    """Of steps 1, 2, ...: each shares that much with what the ends of all seeds have in common."""
    random = np.random.default_rng(0)
    quality = random.standard_normal((GENOTYPES, 1, 1))
    shares = np.array(agreements)
    noise = random.standard_normal((GENOTYPES, 2, len(agreements)))
    scores = np.exp(0.3 * (shares * quality + np.sqrt(1 - shares**2) * noise))
    return measure(scores, range(1, len(agreements) + 1), metric, True, 5.0)


def save_measured(experiment: Experiment, run: str, found: Measured) -> Path:
    """As a reliability run of that recipe leaves it."""
    folder = experiment.folder / run / "reliability"
    folder.mkdir(parents=True)
    recipe = {**recipe_of(experiment), "seed": 0, "reliability.looks": len(found.steps)}
    (folder / "recipe.json").write_text(json.dumps(recipe))
    (folder / "reliability.json").write_text(found.model_dump_json())
    return folder
