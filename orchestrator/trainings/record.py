"""All trainings of a stage as one JSON file, for later comparisons."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.selection.candidates import Named
from orchestrator.trainings.runs import EndedRun
from search_space.frozen import Frozen
from search_space.genotype import Genotype

TRAININGS_FILE = "trainings.json"


class RecordedTraining(Frozen):
    """One training."""

    seed: int
    scores: Mapping[int, Mapping[str, float]]
    """By step; without those that are not finite."""
    diverged: str | None
    hours: float | None = None
    """Of training, summed over devices; files of earlier versions have none."""


class RecordedNetwork(Frozen):
    """A genotype with its trainings."""

    name: str
    genotype: Genotype
    trainings: tuple[RecordedTraining, ...]


class Record(Frozen):
    """Networks that were trained under one recipe."""

    steps: int
    """Number of steps of every training."""
    metrics: tuple[str, ...]
    """Names of the scores; the first one decides."""
    networks: tuple[RecordedNetwork, ...]
    device: str = "cpu"
    """What they were trained on."""

    @classmethod
    def read(cls, path: Path) -> "Record":
        """From its file."""
        return cls.model_validate_json(path.read_bytes())

    def write(self, folder: Path) -> Path:
        """Into the folder of the stage."""
        path = folder / TRAININGS_FILE
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")
        return path


def recorded(named: Named, runs: Sequence[EndedRun]) -> RecordedNetwork:
    """A genotype's trainings, as the journal has them."""
    name, genotype = named
    return RecordedNetwork(name=name, genotype=genotype, trainings=tuple(map(_training, runs)))


def _training(run: EndedRun) -> RecordedTraining:
    scores = {
        step: {name: value for name, value in at.items() if math.isfinite(value)}
        for step, at in run.scores.items()
    }
    return RecordedTraining(seed=run.seed, scores=scores, diverged=run.diverged, hours=run.hours)
