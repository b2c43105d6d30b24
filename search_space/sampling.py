"""Random genotypes: for tests, and the baseline that a search has to beat."""

import numpy as np

from search_space.genotype import Genotype, Provenance
from search_space.primitives import primitive_names
from search_space.topology import CELLS, CellEdges, Network, nodes_without_input


def sample_genotype(network: Network, seed: int) -> Genotype:
    """A genotype drawn uniformly among those in which every node has input; the same for the same seed.

    Cells are independent and valid one by one, so rejecting cell by cell keeps the whole uniform.
    """
    random = np.random.default_rng(seed)
    cells = tuple(_sample_cell(edges, random) for edges in CELLS[network])
    return Genotype(network=network, cells=cells, provenance=Provenance(seed=seed))


def _sample_cell(edges: CellEdges, random: np.random.Generator) -> tuple[str, ...]:
    vocabularies = [primitive_names(edge.kind) for edge in edges]
    while True:
        names = tuple(vocabulary[random.integers(len(vocabulary))] for vocabulary in vocabularies)
        if not nodes_without_input(edges, names):
            return names
