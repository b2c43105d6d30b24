"""Regularized evolution over genotypes: it asks for scores and is told them. Imports no torch.

Source: Real et al. 2019, with a population that loses its oldest and its worst in turns. What is asked next
is a function of the seed and of the scores told so far, in their order: these are its whole state.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from statistics import fmean, pstdev
from typing import Any

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt

from search_space.errors import UserError
from search_space.frozen import Frozen
from search_space.genotype import Genotype, differing_edges
from search_space.networks.config import NetworkConfig
from search_space.sampling import sample_genotype, size_range
from search_space.spaces.registry import find_space
from search_space.topology import Network

MOST_DRAWS = 5_000
"""Draws of one candidate until it is new and within the limit."""


FEWEST_TO_AGREE = 10
"""Candidates of which judges' agreement is told."""


class EvolutionConfig(Frozen):
    """The settings that generate candidates."""

    random: PositiveInt = 60
    """Number of candidates that are drawn uniformly: the first population."""
    children: NonNegativeInt = 90
    """Number of candidates that are bred after these, one at a time."""
    tournament: PositiveInt = 10
    """Number of members that are drawn at random; the best of them is a parent."""
    crossover: float = Field(default=0.5, ge=0, le=1)
    """Share of the children whose cells come from two parents."""
    max_parameters: PositiveInt | None = None
    """Largest number of parameters of the generator at the widths of `search.generator`. Larger candidates
    are ignored."""

    @property
    def candidates(self) -> int:
        """Scored in all."""
        return self.random + self.children


class Evolution:
    """One run of it. Scores are the lower the better, one a judge (supernet); NaN is the worst there is.

    Raises:
        UserError: no genotype is small enough.
    """

    def __init__(
        self,
        config: EvolutionConfig,
        space: str,
        widths: NetworkConfig,
        seed: int,
        section: str = "search.strategy.evolution",
    ) -> None:
        """`section` is where the user finds the options."""
        self.config, self.scored = config, list[tuple[Genotype, tuple[float, ...]]]()
        self._section = section
        self._space, self._seed = find_space(space), seed
        self._network: Network = "generator"
        self._table = self._space.parameter_table(self._network, widths)
        self._population: list[int] = []
        self._fitness: list[float] = []
        self._scales: list[tuple[float, float]] = []
        self._known: set[str] = set()
        self._require_possible()

    @property
    def finished(self) -> bool:
        """Whether everything has been scored."""
        return len(self.scored) >= self.config.candidates

    def ask(self, ahead: Sequence[Genotype] = ()) -> Genotype:
        """The next candidate after those `ahead`, whose scores are awaited; the same until one is told."""
        number = len(self.scored) + len(ahead)
        random = np.random.default_rng([self._seed, number])
        draw = self._drawn if number < self.config.random else self._child
        return self._first(partial(draw, random), ahead)

    def ask_together(self, count: int) -> list[Genotype]:
        """The next candidates, to be scored beside each other and told in this order.

        Children of the same parents, at most `count`; of the first population, which has none, all that are
        left.
        """
        done, first = len(self.scored), self.config.random
        end = first if done < first else min(done + count, self.config.candidates)
        asked: list[Genotype] = []
        while done + len(asked) < end:
            asked.append(self.ask(asked))
        return asked

    def first(self) -> Genotype:
        """The first candidate."""
        return self._first(partial(self._drawn, np.random.default_rng([self._seed, 0])))

    def tell(self, genotype: Genotype, scores: Sequence[float]) -> None:
        """Take in a candidate's scores: positive ones, such as Frechet distances, as their logarithms."""
        self.scored.append((genotype, tuple(scores)))
        self._known.add(genotype.content_hash)
        self._population.append(len(self.scored) - 1)
        if len(self.scored) <= self.config.random:
            self._fitness = self.fitness()
        else:
            self._fitness.append(self._standardised(scores))
            worst = max(self._population, key=self._fitness.__getitem__)
            oldest = self._population[0]
            self._population.remove(worst if len(self.scored) % 2 else oldest)

    def fitness(self) -> list[float]:
        """Fitness of all candidates in the order of scoring: each judge's score standardised, then the mean.

        The first population sets the scale, so that a candidate's fitness stays what it is.
        """
        if len(self.scored) > self.config.random:
            return [*self._fitness]
        judges = zip(*(scores for _, scores in self.scored), strict=True)
        self._scales = [_scale(column) for column in judges]
        return [self._standardised(scores) for _, scores in self.scored]

    def _standardised(self, scores: Sequence[float]) -> float:
        parts = zip(scores, self._scales, strict=True)
        value = fmean((score - mean) / spread for score, (mean, spread) in parts)
        return value if math.isfinite(value) else math.inf

    def agreement(self) -> float | None:
        """The judges' agreement on the first population: Spearman's correlation, the mean over pairs of them.

        Children are left out: they are alike, as they were bred for it. None before there are ten candidates,
        with one judge, or where a judge scored all alike. That judges agree does not make them right.
        """
        from scipy.stats import spearmanr

        first = [scores for _, scores in self.scored[: self.config.random]]
        if len(first) < FEWEST_TO_AGREE or len(first[0]) < 2:
            return None
        judges = [np.nan_to_num(column, nan=np.inf) for column in np.array(first).T]
        if any(len(set(judge.tolist())) == 1 for judge in judges):
            return None
        return fmean(float(spearmanr(*pair).statistic) for pair in combinations(judges, 2))

    def best(self, count: int, distance: int) -> list[Genotype]:
        """The best that differ from each other in at least `distance` edges; of equals, the smaller first."""
        ranked = sorted(
            zip(self.fitness(), self.scored, strict=True),
            key=lambda one: (one[0], self.parameters(one[1][0])),
        )
        found: list[Genotype] = []
        for fitness, (genotype, _) in ranked:
            if math.isfinite(fitness) and all(differing_edges(genotype, one) >= distance for one in found):
                found.append(genotype)
        return found[:count]

    def state(self) -> list[dict[str, Any]]:
        """Plain values, from which `restore` continues as if it had never stopped."""
        return [
            {"cells": [list(cell) for cell in one.cells], "scores": list(scores)}
            for one, scores in self.scored
        ]

    def restore(self, state: Sequence[Mapping[str, Any]]) -> None:
        """Begin again, and take in what was scored before."""
        self.scored, self._population, self._known, self._fitness = [], [], set(), []
        for entry in state:
            self.tell(self._genotype(tuple(tuple(cell) for cell in entry["cells"])), entry["scores"])

    def parameters(self, genotype: Genotype) -> int:
        """The parameters of the candidate's network, at the given widths."""
        return self._table.count(genotype.cells)

    def _first(self, draw: Callable[[], Genotype], ahead: Sequence[Genotype] = ()) -> Genotype:
        draws = (draw() for _ in range(MOST_DRAWS))
        known = self._known | {one.content_hash for one in ahead}
        fitting = (one for one in draws if self._fits(one) and one.content_hash not in known)
        found = next(fitting, None)
        if found is None:
            raise UserError(
                f"{self._limit()}: none of {MOST_DRAWS:,} draws is new and so small; allow more, or ask for "
                "fewer candidates"
            )
        return found

    def _drawn(self, random: np.random.Generator) -> Genotype:
        drawn = sample_genotype(self._network, int(random.integers(2**62)), self._space.name)
        return drawn.model_copy(update={"provenance": None})

    def _child(self, random: np.random.Generator) -> Genotype:
        cells = self._parent(random)
        if random.random() < self.config.crossover:
            pairs = zip(cells, self._parent(random), strict=True)
            cells = [pair[random.integers(2)] for pair in pairs]
        for _ in range(random.integers(1, 3)):
            cells = self._mutated(cells, random)
        return self._genotype(tuple(cells))

    def _parent(self, random: np.random.Generator) -> list[tuple[str, ...]]:
        size = min(self.config.tournament, len(self._population))
        members = random.choice(self._population, size, replace=False)
        return list(self.scored[min(members, key=self._fitness.__getitem__)][0].cells)

    def _mutated(self, cells: list[tuple[str, ...]], random: np.random.Generator) -> list[tuple[str, ...]]:
        """One edge changed to another primitive, anew until its cell is valid."""
        all_edges = self._space.cells_of(self._network)
        while True:
            place = int(random.integers(len(cells)))
            edge, names = int(random.integers(len(cells[place]))), list(cells[place])
            others = [name for name in self._space.names(all_edges[place][edge].kind) if name != names[edge]]
            names[edge] = others[random.integers(len(others))]
            if self._space.fault(all_edges[place], names) is None:
                return [*cells[:place], tuple(names), *cells[place + 1 :]]

    def _genotype(self, cells: tuple[tuple[str, ...], ...]) -> Genotype:
        return Genotype(space=self._space.name, network=self._network, cells=cells)

    def _fits(self, genotype: Genotype) -> bool:
        most = self.config.max_parameters
        return most is None or self.parameters(genotype) <= most

    def _limit(self) -> str:
        return f"{self._section}.max_parameters = {self.config.max_parameters}"

    def _require_possible(self) -> None:
        most, (smallest, _) = self.config.max_parameters, size_range(self._space, self._network, self._table)
        if most is not None and most < smallest:
            raise UserError(
                f"{self._limit()}: the smallest generator of these widths has {smallest:,} parameters; "
                "allow as many, or use fewer search.generator.channels"
            )


def _scale(column: Sequence[float]) -> tuple[float, float]:
    """Mean and deviation of what is finite."""
    finite = [score for score in column if math.isfinite(score)]
    return (fmean(finite), pstdev(finite) or 1.0) if finite else (0.0, 1.0)
