"""One run of an evolution: it asks for scores and is told them.

What is asked next is a function of the seed and of the scores told so far, in their order: these are its
whole state.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from statistics import fmean, pstdev
from typing import Any

import numpy as np

from search_space.errors import UserError
from search_space.evolution.algorithms import ALGORITHMS, Standings
from search_space.evolution.breeding import Breeding, Cells
from search_space.evolution.config import EvolutionConfig
from search_space.genotype import Genotype, differing_edges
from search_space.networks.config import NetworkConfig
from search_space.sampling import size_range
from search_space.spaces.registry import find_space
from search_space.topology import Network

MOST_DRAWS = 5_000
"""Draws of one candidate until it is new and within the limit."""
FEWEST_TO_AGREE = 10
"""Candidates of which judges' agreement is told."""


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
        self._breeding = Breeding(self._space, self._network)
        self._algorithm = ALGORITHMS[config.algorithm]
        self._table = self._space.parameter_table(self._network, widths)
        self._population: list[int] = []
        self._standings: Standings = []
        self._fitness: list[float] = []
        self._sizes: list[int] = []
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
        draw = self._breeding.drawn if number < self.config.random else self._child
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
        return self._first(partial(self._breeding.drawn, np.random.default_rng([self._seed, 0])))

    def tell(self, genotype: Genotype, scores: Sequence[float]) -> None:
        """Take in a candidate's scores: positive ones, such as Frechet distances, as their logarithms."""
        self.scored.append((genotype, tuple(scores)))
        self._known.add(genotype.content_hash)
        self._sizes.append(self.parameters(genotype))
        self._population.append(len(self.scored) - 1)
        if len(self.scored) <= self.config.random:
            self._fitness = self.fitness()
        else:
            self._fitness.append(self._standardised(scores))
            del self._population[self._algorithm.leaves(self._standing(), len(self.scored))]
        if len(self.scored) >= self.config.random:
            self._standings = self._standing()

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

    def _standing(self) -> Standings:
        """The population's, who is in the order of age."""
        return self._algorithm.standings([(self._fitness[one], self._sizes[one]) for one in self._population])

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
        self.scored, self._population, self._known = [], [], set()
        self._fitness, self._sizes, self._standings = [], [], []
        for entry in state:
            self.tell(self._breeding.genotype([tuple(cell) for cell in entry["cells"]]), entry["scores"])

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

    def _child(self, random: np.random.Generator) -> Genotype:
        cells = self._parent(random)
        if random.random() < self.config.crossover:
            cells = self._breeding.crossed(cells, self._parent(random), random)
        for _ in range(random.integers(1, 3)):
            cells = self._breeding.mutated(cells, random)
        return self._breeding.genotype(cells)

    def _parent(self, random: np.random.Generator) -> Cells:
        size = min(self.config.tournament, len(self._population))
        places = dict(zip(self._population, self._standings, strict=True))
        members = random.choice(self._population, size, replace=False)
        return self.scored[min(members, key=places.__getitem__)][0].cells

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
