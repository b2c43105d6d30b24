"""The types that cells consist of. The cells themselves belong to the spaces. Imports no torch."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

Network = Literal["generator", "discriminator"]

Kind = str
"""Names the vocabulary that an edge chooses from. The shared cells (`networks.cell`) know four: `normal`;
`image`, a normal edge that reads the image itself; `up` and `down`, which change resolution."""

NONE = "none"
"""The primitive that carries nothing."""


@dataclass(frozen=True)
class Primitive:
    """One candidate operation of an edge."""

    name: str
    operation: str = ""
    """What the shared cells compute for it: none, skip, conv, nearest, bilinear, transposed, avg_pool or
    max_pool. Empty where the networks of the space know by name what it means."""
    kernel: int = 0
    """Width of the square kernel in taps; 0 where the operation has none."""
    dilation: int = 1

    def __hash__(self) -> int:
        """Quick: every forward looks up what was prepared for some primitives."""
        return hash(self.name)

    @property
    def padding(self) -> int:
        """Zeros on each side that keep the size ("same" padding)."""
        return self.dilation * (self.kernel - 1) // 2


@dataclass(frozen=True)
class Edge:
    """A searched connection; a node is the sum of its incoming edges, node 0 is the cell's input.

    A gene that acts on a whole block joins no nodes: both numbers stay 0.
    """

    name: str
    kind: Kind
    source: int = 0
    target: int = 0
    source_cell: int | None = None
    """The earlier cell whose node the edge reads; None: it reads one of its own cell."""


@dataclass(frozen=True)
class SkipIn:
    """A fixed connection from the skip node of an earlier cell into that of this one, resized to its size."""

    source_cell: int
    resize: Literal["nearest", "bilinear"]


CellEdges = tuple[Edge, ...]


def nodes_without_input(
    edges: CellEdges, names: Sequence[str], required: Collection[int] = ()
) -> tuple[int, ...]:
    """Nodes that must have an input and have none, last node first.

    The required nodes need an input, even where nothing reads them (as in the released derivation); and every
    node that a used edge reads. `names` holds one primitive name an edge.
    """
    used = [edge for edge, name in zip(edges, names, strict=True) if name != NONE]
    needed = {*required, *(edge.source for edge in used)} - {0}
    return tuple(sorted(needed - {edge.target for edge in used}, reverse=True))
