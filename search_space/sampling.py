"""Random genotypes, for tests and as the baseline that a search has to beat, and the size of their networks.

Imports no torch and builds no network.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np

from search_space.genotype import Genotype, Provenance
from search_space.networks.config import NetworkConfig
from search_space.parameter_table import ParameterTable
from search_space.space import DEFAULT_SPACE, Names, SearchSpace
from search_space.spaces.registry import find_space
from search_space.topology import NONE, CellEdges, Network


def sample_genotype(network: Network, seed: int, space: str = DEFAULT_SPACE) -> Genotype:
    """A genotype drawn uniformly among the valid ones; the same for the same seed.

    Cells are independent and valid one by one, so rejecting cell by cell keeps the whole uniform.
    """
    random, of = np.random.default_rng(seed), find_space(space)
    cells = tuple(_sample_cell(of, edges, random) for edges in of.cells_of(network))
    return Genotype(space=space, network=network, cells=cells, provenance=Provenance(seed=seed))


def fair_genotype(network: Network, seed: int, number: int, space: str = DEFAULT_SPACE) -> Genotype:
    """Member `number` of a sequence in which every edge draws its primitives from bags without replacement.

    Of as many members as an edge has primitives, counted from a multiple of that, each comes once (strict
    fairness, FairNAS). Bags of edges that may be none are shuffled together until all their members are
    valid.
    """
    of = find_space(space)
    cells = tuple(
        _fair_cell(of, edges, [seed, cell], number) for cell, edges in enumerate(of.cells_of(network))
    )
    return Genotype(space=space, network=network, cells=cells)


def _fair_cell(space: SearchSpace, edges: CellEdges, seed: list[int], number: int) -> tuple[str, ...]:
    names = [space.names(edge.kind) for edge in edges]
    cell = [next(name for name in vocabulary if name != NONE) for vocabulary in names]
    for size in sorted({len(vocabulary) for vocabulary in names}):
        places = [place for place, vocabulary in enumerate(names) if len(vocabulary) == size]
        bag, member = divmod(number, size)
        random = np.random.default_rng([*seed, size, bag])
        while True:
            shuffled = {place: random.permutation(size) for place in places}
            columns = [
                [names[p][shuffled[p][m]] if p in shuffled else cell[p] for p in range(len(edges))]
                for m in range(size)
            ]
            if all(space.fault(edges, column) is None for column in columns):
                break
        cell = columns[member]
    return tuple(cell)


def count_parameters(genotype: Genotype, config: NetworkConfig) -> int:
    """Trainable parameters of the genotype's network at the configured widths, from its space's table."""
    return find_space(genotype.space).parameter_table(genotype.network, config).count(genotype.cells)


def size_range(space: SearchSpace, network: Network, table: ParameterTable) -> tuple[int, int]:
    """Parameters of the smallest and of the largest valid network of a space."""
    cells = space.cells_of(network)
    extremes = [dict(_extremes(space, cells[index], table, index)) for index in range(len(cells))]
    smallest, largest = (
        table.count([choose(cell, key=cell.__getitem__) for cell in extremes]) for choose in (min, max)
    )
    return smallest, largest


def _extremes(
    space: SearchSpace, edges: CellEdges, table: ParameterTable, cell: int
) -> Iterator[tuple[Names, int]]:
    """Sizes of valid cells whose every edge is none, or the smallest or largest of its other primitives."""
    choices = []
    for size in table.cells[cell]:
        by_size = sorted(size.keys() - {NONE}, key=size.__getitem__)
        choices.append({*({NONE} & size.keys()), by_size[0], by_size[-1]})
    for names in product(*choices):
        if space.fault(edges, names) is None:
            yield names, table.cell(cell, names)


def _sample_cell(space: SearchSpace, edges: CellEdges, random: np.random.Generator) -> tuple[str, ...]:
    vocabularies = [space.names(edge.kind) for edge in edges]
    while True:
        names = tuple(vocabulary[random.integers(len(vocabulary))] for vocabulary in vocabularies)
        if space.fault(edges, names) is None:
            return names
