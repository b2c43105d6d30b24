"""The trainings of a measurement."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import Experiment
from orchestrator.config.reliability import ReliabilityConfig
from orchestrator.selection.candidates import Named
from orchestrator.selection.curves import genotype_id
from orchestrator.trainings.grid import Grid
from orchestrator.yardstick.known import STAGE, recipe_of
from search_space.sampling import sample_genotype
from trainers.metrics.specs import score_names
from trainers.noise import seed_for

FIRST = "score"
"""Stands for the first metric of the evaluation."""
SIGNED = ("kid", "kd")
"""Metrics that may be zero or below: their ratios mean nothing."""


def reliability_config(experiment: Experiment) -> ReliabilityConfig:
    """How the reliability is measured, with the metric by the name that is reported.

    Raises:
        ConfigError: the evaluation does not report it, or it has no ratios.
    """
    config, reported = experiment.reliability, score_names(experiment.retrain.evaluation)
    metric = next(iter(reported)) if config.metric == FIRST else config.metric
    if metric not in reported:
        raise ConfigError(
            f"reliability.metric = {metric}: not in retrain.evaluation.metrics; use {', '.join(reported)}"
        )
    if reported[metric] in SIGNED:
        raise ConfigError(
            f"reliability.metric = {metric}: may be below zero, and differences are told as ratios; use fid "
            "or fd, and name it in retrain.evaluation.metrics"
        )
    return config.model_copy(update={"metric": metric})


@dataclass(frozen=True)
class Plan:
    """All trainings of a measurement."""

    experiment: Experiment
    config: ReliabilityConfig
    folder: Path
    """Folder of the measurement; a training is stored in <hash of its genotype>/seed-<k>."""

    @property
    def genotypes(self) -> dict[str, Named]:
        """By id. More of them begin with the same ones, so that a measurement can be extended."""
        found: dict[str, Named] = {}
        number = 0
        while len(found) < self.config.genotypes:
            genotype = sample_genotype(
                "generator", seed_for(self.experiment.seed, STAGE, number), self.experiment.search.space
            )
            number += 1
            found.setdefault(genotype_id(genotype), (f"random {number}", genotype))
        return found

    @property
    def seeds(self) -> range:
        """From the run's own on."""
        return range(self.experiment.seed, self.experiment.seed + self.config.seeds)

    @property
    def every(self) -> int:
        """Steps between two evaluations."""
        return -(-self.experiment.retrain.steps // self.config.looks)

    @property
    def steps(self) -> tuple[int, ...]:
        """At which runs are scored."""
        end = self.experiment.retrain.steps
        return (*range(self.every, end, self.every), end)

    @property
    def recipe(self) -> dict[str, Any]:
        """What decides a score besides genotype, seed and step: dotted name -> JSON value."""
        own = {"seed": self.experiment.seed, "reliability.looks": self.config.looks}
        return {**recipe_of(self.experiment), **own}

    @property
    def grid(self) -> Grid:
        """The trainings, each scored at even distances."""
        retrain = self.experiment.retrain
        evaluation = retrain.evaluation.model_copy(update={"every": self.every})
        retrain = retrain.model_copy(update={"report_every": self.every, "evaluation": evaluation})
        experiment = self.experiment.model_copy(update={"retrain": retrain})
        return Grid(STAGE, experiment, self.genotypes, self.seeds, self.folder)
