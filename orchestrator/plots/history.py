"""The course of a search as arrays, from the values that it recorded at every report.

Shapes: T reports, P primitives of an edge.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from orchestrator.checkpoints.derivations import entries
from search_space.genotype import Genotype, differing_edges
from search_space.relaxation import EdgeProbabilities
from search_space.space import SearchSpace
from search_space.spaces.registry import find_space
from search_space.topology import Network
from trainers.gap import GAP

NETWORKS: tuple[Network, ...] = ("generator", "discriminator")


@dataclass(frozen=True)
class History:
    """One network over the reports of a search."""

    network: Network
    steps: tuple[int, ...]
    genotypes: tuple[Genotype, ...]
    """The genotype derived at each report."""
    probabilities: tuple[EdgeProbabilities, ...]
    """The edge probabilities at each report."""

    @property
    def space(self) -> SearchSpace:
        """The space that was searched."""
        return find_space(self.genotypes[0].space)

    def edge(self, cell: int, edge: int) -> list[tuple[float, ...]]:
        """The preferences of one edge, [T][P]."""
        return [cells[cell][edge] for cells in self.probabilities]

    def entropies(self) -> list[float]:
        """[T], mean over edges as a share of the maximum: 1 undecided, 0 decided."""
        return [fmean(_entropy(edge) for cell in cells for edge in cell) for cells in self.probabilities]

    def changes(self) -> list[int]:
        """[T], edges whose operation differs from that of the report before; 0 at the first."""
        return [
            0,
            *(differing_edges(*pair) for pair in zip(self.genotypes, self.genotypes[1:], strict=False)),
        ]

    def settled_after(self, cell: int, edge: int) -> int:
        """The step from which an edge kept the operation it has at the end."""
        names = [genotype.cells[cell][edge] for genotype in self.genotypes]
        kept = next((i for i in range(len(names), 0, -1) if names[i - 1] != names[-1]), 0)
        return self.steps[kept]


def histories(folder: Path) -> list[History]:
    """Histories of the searched networks; there are none where a strategy, or an early version, recorded no
    preferences."""
    found = [entry for entry in entries(folder) if entry.get("probabilities")]
    if not found:
        return []
    steps = tuple(entry["step"] for entry in found)
    return [
        History(
            network,
            steps,
            tuple(Genotype.model_validate(entry["genotypes"][network]) for entry in found),
            tuple(entry["probabilities"][network] for entry in found),
        )
        for network in NETWORKS
        if network in found[0]["probabilities"]
    ]


def gaps(folder: Path) -> list[tuple[int, float]]:
    """Steps of a search and the duality gap there; none where it was not measured."""
    return [(entry["step"], entry[GAP]) for entry in entries(folder) if GAP in entry]


def _entropy(probabilities: Sequence[float]) -> float:
    return -math.fsum(p * math.log(p) for p in probabilities if p > 0) / math.log(len(probabilities))
