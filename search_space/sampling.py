"""Random genotypes, for tests and as the baseline that a search has to beat, and the size of their networks.

Imports no torch and builds no network.
"""

import numpy as np

from search_space.genotype import Genotype, Provenance
from search_space.networks.config import NetworkConfig
from search_space.space import DEFAULT_SPACE, SearchSpace
from search_space.spaces.registry import find_space
from search_space.topology import CellEdges, Network


def sample_genotype(network: Network, seed: int, space: str = DEFAULT_SPACE) -> Genotype:
    """A genotype drawn uniformly among the valid ones; the same for the same seed.

    Cells are independent and valid one by one, so rejecting cell by cell keeps the whole uniform.
    """
    random, of = np.random.default_rng(seed), find_space(space)
    cells = tuple(_sample_cell(of, edges, random) for edges in of.cells_of(network))
    return Genotype(space=space, network=network, cells=cells, provenance=Provenance(seed=seed))


def count_parameters(genotype: Genotype, config: NetworkConfig) -> int:
    """Trainable parameters of the genotype's network at the configured widths, from its space's table."""
    return find_space(genotype.space).parameter_table(genotype.network, config).count(genotype.cells)


def _sample_cell(space: SearchSpace, edges: CellEdges, random: np.random.Generator) -> tuple[str, ...]:
    vocabularies = [space.names(edge.kind) for edge in edges]
    while True:
        names = tuple(vocabulary[random.integers(len(vocabulary))] for vocabulary in vocabularies)
        if space.fault(edges, names) is None:
            return names
