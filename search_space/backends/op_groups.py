"""Primitives that stand on the same edges: what a cell computes at once.

Shapes: E edges of the bundle, P its primitives.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from search_space.architecture import EdgeWeights
from search_space.filling import Filling
from search_space.primitives import Kind, primitive_index
from search_space.topology import Edge


@dataclass(frozen=True)
class Bundle:
    """In a supernet all primitives of a kind, in a derived network one primitive."""

    kind: Kind
    edges: tuple[Edge, ...]
    fillings: tuple[Filling, ...]

    def weights(self, edge_weights: EdgeWeights | None) -> Float[Tensor, "E P"] | None:
        """Weight of every primitive on every edge; None stands for ones."""
        if edge_weights is None:
            return None
        group = edge_weights.resample if self.kind in ("up", "down") else edge_weights.normal
        columns = [primitive_index(self.kind, filling.primitive.name) for filling in self.fillings]
        return group[_indices(self.fillings[0].rows)][:, _indices(columns)]


def bundle(fillings: Iterable[Filling]) -> tuple[Bundle, ...]:
    """The bundles of a cell; where bundles share an edge, it sends the sum of what they do."""
    groups: dict[tuple[Kind, tuple[Edge, ...]], list[Filling]] = {}
    for filling in fillings:
        groups.setdefault((filling.kind, filling.edges), []).append(filling)
    return tuple(Bundle(kind, edges, tuple(held)) for (kind, edges), held in groups.items())


def _indices(numbers: Sequence[int]) -> slice | list[int]:
    # A slice is a view; a list of indices would be copied to the device in every forward.
    first, last = numbers[0], numbers[-1]
    consecutive = list(numbers) == list(range(first, last + 1))
    return slice(first, last + 1) if consecutive else list(numbers)
