"""Candidates from nothing and from parents. All of them are valid genotypes of the space."""

from collections.abc import Sequence

import numpy as np

from search_space.genotype import Genotype
from search_space.sampling import sample_genotype
from search_space.space import SearchSpace
from search_space.topology import Network

Cells = Sequence[tuple[str, ...]]


class Breeding:
    """Makes genotypes of one network of a space, by random numbers that it is given."""

    def __init__(self, space: SearchSpace, network: Network) -> None:
        self._space, self._network = space, network

    def drawn(self, random: np.random.Generator) -> Genotype:
        """A uniform draw."""
        drawn = sample_genotype(self._network, int(random.integers(2**62)), self._space.name)
        return drawn.model_copy(update={"provenance": None})

    def crossed(self, first: Cells, second: Cells, random: np.random.Generator) -> Cells:
        """Each cell from one of two parents."""
        return [pair[random.integers(2)] for pair in zip(first, second, strict=True)]

    def mutated(self, cells: Cells, random: np.random.Generator) -> Cells:
        """One edge changed to another primitive, anew until its cell is valid."""
        all_edges = self._space.cells_of(self._network)
        while True:
            place = int(random.integers(len(cells)))
            edge, names = int(random.integers(len(cells[place]))), list(cells[place])
            others = [name for name in self._space.names(all_edges[place][edge].kind) if name != names[edge]]
            names[edge] = others[random.integers(len(others))]
            if self._space.fault(all_edges[place], names) is None:
                return [*cells[:place], tuple(names), *cells[place + 1 :]]

    def genotype(self, cells: Cells) -> Genotype:
        """The genotype of these cells."""
        return Genotype(space=self._space.name, network=self._network, cells=tuple(cells))
