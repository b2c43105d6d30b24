"""What stands on the edges of a cell: every primitive in a supernet, one per edge in a derived network."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from search_space.architecture import EdgeWeights
from search_space.primitives import VOCABULARIES, Kind, Primitive, primitive_names
from search_space.topology import CellEdges, Edge, slots

Choices = Sequence[Sequence[str]]
"""Per edge of a cell, the names of the primitives that fill it."""


@dataclass(frozen=True)
class Filling:
    """One primitive of a cell and the edges it stands on, in the order of its stacked parameters."""

    kind: Kind
    primitive: Primitive
    edges: tuple[Edge, ...]
    rows: tuple[int, ...]
    """Rows of the edges in their tensor of edge weights."""

    def weights(self, edge_weights: EdgeWeights | None) -> Tensor | None:
        """Weight [E] of the primitive on each of its edges; None, as in derived networks, stands for ones."""
        if edge_weights is None:
            return None
        group = edge_weights.resample if self.kind in ("up", "down") else edge_weights.normal
        return group[list(self.rows), primitive_names(self.kind).index(self.primitive.name)]

    def position(self, edge: Edge) -> int:
        """Where the edge stands in the stack."""
        return self.edges.index(edge)


def every_primitive(edges: CellEdges) -> Choices:
    """The choices of a supernet's cell."""
    return tuple(primitive_names(edge.kind) for edge in edges)


def fill(edges: CellEdges, choices: Choices) -> tuple[Filling, ...]:
    """The fillings of a cell, by kind and in vocabulary order; primitives that stand nowhere are left out."""
    fillings = []
    for kind in dict.fromkeys(edge.kind for edge in edges):
        for primitive in VOCABULARIES[kind]:
            places = [
                (edge, row)
                for edge, (_, row), names in zip(edges, slots(edges), choices, strict=True)
                if edge.kind == kind and primitive.name in names
            ]
            if places:
                held, rows = zip(*places, strict=True)
                fillings.append(Filling(kind, primitive, held, rows))
    return tuple(fillings)
