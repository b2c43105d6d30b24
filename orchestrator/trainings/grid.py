"""The trainings of a grid: every genotype with every seed, under one recipe."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.config.experiment import Experiment
from orchestrator.jobs.identity import identity
from orchestrator.jobs.job import Job
from orchestrator.selection.candidates import Named
from orchestrator.selection.live import Run
from orchestrator.selection.result import Request
from search_space.genotype import Genotype


@dataclass(frozen=True)
class Grid:
    """All trainings of a stage."""

    stage: str
    """Its name, for titles and messages."""
    experiment: Experiment
    """Configuration of every training, except for the seed."""
    genotypes: Mapping[str, Named]
    """Generators by id."""
    seeds: Sequence[int]
    folder: Path
    """Folder of the stage; a training is stored in <hash of its genotype>/seed-<k>."""
    opponent: Mapping[str, Genotype] = field(default_factory=dict)
    """The discriminator's genotype, by network; empty where it is the fixed one."""

    @property
    def recipe(self) -> dict[str, Any]:
        """What decides a score besides genotype, seed and step: dotted name -> JSON value."""
        retrain = self.experiment.retrain
        evaluation = retrain.evaluation.model_dump(mode="json", exclude={"every", "batch_size"})
        scoring = {f"retrain.evaluation.{name}": value for name, value in evaluation.items()}
        trained = identity(Job("retrain", self.trial(0), self.opponent, self.folder))
        return {**trained, **scoring, "seed": self.experiment.seed, "retrain.steps": retrain.steps}

    def trial(self, seed: int) -> Experiment:
        """One training; only its newest checkpoint is needed."""
        return self.experiment.model_copy(update={"seed": seed, "keep_checkpoints": 1})

    def runs(self) -> Iterator[Run]:
        """Genotype by genotype, so that what was interrupted has fewer of them, each with all seeds."""
        total, number = len(self.genotypes) * len(self.seeds), 0
        for id, (name, genotype) in self.genotypes.items():
            for seed in self.seeds:
                number += 1
                folder = self.folder / genotype.content_hash / f"seed-{seed}"
                networks = {**self.opponent, "generator": genotype}
                job = Job("retrain", self.trial(seed), networks, folder)
                title = f"{self.stage} {number} of {total}: {name}, seed {seed}"
                yield Run(Request(id, seed, self.experiment.retrain.steps), title, job)
