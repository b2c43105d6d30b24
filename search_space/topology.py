"""Which edges a cell has and which cells a network has: data, read by everything else.

Source: AdversarialNAS, figure 2 and the released code; edge order is that of published genotype rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from search_space.primitives import VOCABULARIES, Kind

Network = Literal["generator", "discriminator"]


@dataclass(frozen=True)
class Edge:
    """A searched connection; a node is the sum of its incoming edges, node 0 is the cell's input."""

    name: str
    kind: Kind
    source: int
    target: int


@dataclass(frozen=True)
class SkipIn:
    """A fixed connection from node 3 of an earlier cell into node 3 of this one, resized to its size."""

    source_cell: int
    resize: Literal["nearest", "bilinear"]


CellEdges = tuple[Edge, ...]

GENERATOR_CELL: CellEdges = (
    Edge("e0", "up", source=0, target=1),
    Edge("e1", "up", source=0, target=2),
    Edge("e2", "normal", source=1, target=3),
    Edge("e3", "normal", source=2, target=3),
    Edge("e4", "normal", source=1, target=4),
    Edge("e5", "normal", source=2, target=4),
    Edge("e6", "normal", source=3, target=4),
)

DISCRIMINATOR_CELL: CellEdges = (
    Edge("e0", "normal", source=0, target=1),
    Edge("e1", "normal", source=0, target=2),
    Edge("e2", "normal", source=0, target=3),
    Edge("e3", "normal", source=1, target=2),
    Edge("e4", "normal", source=1, target=3),
    Edge("e5", "down", source=2, target=4),
    Edge("e6", "down", source=3, target=4),
)

IMAGE_CELL: CellEdges = (
    Edge("e0", "image", source=0, target=1),
    Edge("e1", "image", source=0, target=2),
    Edge("e2", "image", source=0, target=3),
    *DISCRIMINATOR_CELL[3:],
)
"""D's first cell: its input is the image, so the edges that read it always convolve, without ReLU."""

OUTPUT_NODE = 4
SKIP_NODE = 3

CELLS: dict[Network, tuple[CellEdges, ...]] = {
    "generator": (GENERATOR_CELL,) * 3,
    "discriminator": (IMAGE_CELL, *(DISCRIMINATOR_CELL,) * 3),
}

SKIP_INS: tuple[tuple[SkipIn, ...], ...] = (
    (),
    (SkipIn(0, "bilinear"),),
    (SkipIn(0, "nearest"), SkipIn(1, "nearest")),
)
"""Of G's cells, in the order of the released parameters."""


def is_resampling(edge: Edge) -> bool:
    """Whether the edge changes resolution (`up` or `down`)."""
    return edge.kind in ("up", "down")


@cache
def slots(cell: CellEdges) -> tuple[tuple[Literal["normal", "resample"], int], ...]:
    """Where the architecture parameters of each edge stand: in which tensor and in which row of it."""
    places: list[tuple[Literal["normal", "resample"], int]] = []
    for position, edge in enumerate(cell):
        group: Literal["normal", "resample"] = "resample" if is_resampling(edge) else "normal"
        places.append(
            (group, sum(is_resampling(before) == is_resampling(edge) for before in cell[:position]))
        )
    return tuple(places)


def space_size(network: Network, *, image_edges_have_seven: bool = False) -> int:
    """Number of architectures: the product of the choices of every edge.

    `image_edges_have_seven` counts the edges of D's first cell as the paper does, with the seven normal
    primitives, although only five exist there.
    """
    size = 1
    for cell in CELLS[network]:
        for edge in cell:
            kind: Kind = "normal" if edge.kind == "image" and image_edges_have_seven else edge.kind
            size *= len(VOCABULARIES[kind])
    return size


NONE = "none"


def nodes_without_input(edges: CellEdges, names: Sequence[str]) -> tuple[int, ...]:
    """Nodes that must have an input and have none, last node first.

    The output needs an input; the skip node too, even where nothing reads it (as in the released derivation);
    and every node that a used edge reads. `names` holds one primitive name an edge.
    """
    used = [edge for edge, name in zip(edges, names, strict=True) if name != NONE]
    needed = {OUTPUT_NODE, SKIP_NODE} | {edge.source for edge in used} - {0}
    return tuple(sorted(needed - {edge.target for edge in used}, reverse=True))
