"""A candidate of a comparison: an architecture under one recipe, with all of its trainings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean

import torch

from orchestrator.jobs.scores import best_of
from search_space.cost import multiply_adds, parameters
from search_space.errors import printable
from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import derived_generator
from search_space.zoo.results import PublishedResult
from trainers.metrics.specs import lower_is_better


@dataclass(frozen=True)
class Training:
    """One training of a candidate."""

    name: str
    """The name that tells it from all others."""
    run: str
    """The run, by the name that the user gave."""
    seed: int
    scores: Mapping[str, float]
    """The last scores of the training, not its best, by reported name."""
    curves: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    """Steps and values of every score on the way."""
    hours: float | None = None
    """Hours of training, summed over devices; None if they were not recorded."""
    search_hours: float | None = None
    """Hours of the search that found the architecture; None if there was none or it was not recorded."""
    device: str = "cpu"
    generator: Path | None = None
    """The generator's file, if it was kept."""
    diverged: str = ""
    """The reason why it has no score; empty if it has one."""


@dataclass(frozen=True)
class Candidate:
    """One line of a comparison."""

    name: str
    genotype: Genotype
    """The genotype. A sweep's configuration finds one per seed; it has that of its best seed."""
    width: GeneratorConfig
    data: str
    """Name of the data set."""
    metrics: tuple[str, ...] = ()
    """Scores by reported name; the first one decides."""
    protocol: Mapping[str, str] = field(default_factory=dict)
    """The protocol of its scores; empty where it has none of our own."""
    recipe: Mapping[str, str] = field(default_factory=dict)
    """The settings of the training besides architecture and seed: dotted name -> text."""
    trainings: tuple[Training, ...] = ()
    published: tuple[PublishedResult, ...] = ()
    """Scores of exactly this genotype in the literature."""

    def __post_init__(self) -> None:
        # Tables draw names as they are, and files hold any.
        object.__setattr__(self, "name", printable(self.name))

    @cached_property
    def parameters(self) -> int:
        """Weights of the generator at its width."""
        with torch.device("meta"):
            return parameters(derived_generator(self.width, self.genotype))

    @cached_property
    def multiply_adds(self) -> int:
        """Multiply-adds of one image."""
        with torch.device("meta"):
            network = derived_generator(self.width, self.genotype).eval()
            return multiply_adds(network, torch.empty(1, self.width.latent_dim))

    def best_values(self, metric: str) -> tuple[float, ...]:
        """The best score on the way of every training that has one, its last included."""
        better = min if lower_is_better(metric) else max
        return tuple(
            better([each.scores[metric], *(value for _, value in each.curves.get(metric, ()))])
            for each in self.trainings
            if metric in each.scores
        )

    @property
    def steps(self) -> int | None:
        """The number of steps of a training; None without trainings."""
        return int(self.recipe["retrain.steps"]) if "retrain.steps" in self.recipe else None

    def values(self, metric: str) -> tuple[float, ...]:
        """Scores of all trainings that have one."""
        return tuple(each.scores[metric] for each in self.trainings if metric in each.scores)

    def hours(self) -> float | None:
        """Mean over trainings, of the training alone."""
        return _mean([each.hours for each in self.trainings])

    def search_hours(self) -> float | None:
        """Mean over the searches that found it."""
        return _mean([each.search_hours for each in self.trainings])

    def best_generator(self, metric: str) -> Path | None:
        """The kept generator of its best training."""
        kept = [each for each in self.trainings if each.generator and metric in each.scores]
        best = best_of(kept, lambda each: each.scores[metric], lower_is_better(metric))
        return best.generator if best else None


def merged(found: Sequence[Candidate]) -> list[Candidate]:
    """Trainings of one architecture under one recipe and protocol are repeats of one candidate."""
    by_identity: dict[str, Candidate] = {}
    for each in found:
        known = by_identity.setdefault(_identity(each), each)
        if known is not each:
            names = {training.name for training in known.trainings}
            new = tuple(training for training in each.trainings if training.name not in names)
            by_identity[_identity(each)] = replace(known, trainings=known.trainings + new)
    return [_renamed(each) for each in by_identity.values()]


def _renamed(each: Candidate) -> Candidate:
    """The candidate with all of its runs in its name, if there are several."""
    runs = {training.run for training in each.trainings}
    return replace(each, name=f"{each.name} and {len(runs) - 1} more") if len(runs) > 1 else each


def _identity(each: Candidate) -> str:
    parts = (
        each.genotype.content_hash,
        sorted(each.protocol.items()),
        sorted(each.recipe.items()),
        each.data,
    )
    return repr((*parts, bool(each.trainings)))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
