"""Where a drawing puts nodes, edges and labels, and how it strokes primitives: data for `draw`.

Lengths are in units of one column of nodes; x runs to the right from a cell's input, y upwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from search_space.topology import Edge, Network

Point = tuple[float, float]

INCHES = 1.15
"""Inches of one unit on paper."""
NODE_RADIUS = 0.13
CELL_WIDTH = 3.2
"""The distance from the input of a cell to its output."""
CELL_PITCH = CELL_WIDTH + 0.75
"""The distance from the input of one cell to that of the next."""
RAIL, RAIL_STEP = 1.65, 0.35
"""Height of a skip to the next cell, and how much higher one to the cell after it runs."""
PORT = 0.05
"""Skips leave a node this far right of its centre and enter left of it."""


@dataclass(frozen=True)
class Bend:
    """The bend of an edge around a node, and the position of its label along it (0 to 1)."""

    bow: float
    """Offset of the curve's control point to the left of its direction, in parts of the edge's length."""
    label_at: float


STRAIGHT = Bend(bow=0.0, label_at=0.5)

NODES: Mapping[Network, tuple[Point, ...]] = {
    "generator": ((0.0, 0.0), (1.0, 1.0), (1.0, -1.0), (2.0, 0.0), (CELL_WIDTH, 0.0)),
    "discriminator": ((0.0, 0.0), (1.2, 0.0), (2.2, 1.0), (2.2, -1.0), (CELL_WIDTH, 0.0)),
}

BENDS: Mapping[tuple[Network, int, int], Bend] = {
    ("generator", 1, 4): Bend(bow=0.28, label_at=0.64),
    ("generator", 2, 4): Bend(bow=-0.28, label_at=0.64),
    ("discriminator", 0, 2): Bend(bow=0.28, label_at=0.36),
    ("discriminator", 0, 3): Bend(bow=-0.28, label_at=0.36),
}
"""Bends by source and target; all other edges are straight."""


@dataclass(frozen=True)
class Stroke:
    """The style of a line; widths are in points."""

    colour: str
    width: float = 2.0
    dashes: Literal["solid", "dotted"] | tuple[float, tuple[float, ...]] = "solid"


STROKES: Mapping[str, Stroke] = {
    "none": Stroke("#c0c0c0", 1.0, "dotted"),
    "skip_connect": Stroke("#4d4d4d", 1.8, (0.0, (4.0, 2.5))),
    "conv_1x1": Stroke("#6baed6", 1.6),
    "conv_3x3": Stroke("#2171b5", 2.4),
    "conv_5x5": Stroke("#08306b", 3.2),
    "dil_conv_3x3": Stroke("#f16913", 2.4),
    "dil_conv_5x5": Stroke("#a63603", 3.2),
    "nearest": Stroke("#74c476", 1.6),
    "bilinear": Stroke("#238b45", 2.4),
    "ConvTranspose": Stroke("#00441b", 3.2),
    "avg_pool": Stroke("#b294c7", 1.6),
    "max_pool": Stroke("#6a3d9a", 2.4),
    "deconv": Stroke("#00441b", 3.2),
    "sep_conv_3x3": Stroke("#fdae6b", 1.6),
    "sep_conv_5x5": Stroke("#f16913", 2.4),
    "sep_conv_7x7": Stroke("#a63603", 3.2),
    "keep_size": Stroke("#4d4d4d", 1.8, (0.0, (4.0, 2.5))),
}
"""One hue a family: convolutions blue, dilated and separable ones orange, up green, pooling purple; larger is
wider."""

OTHER = Stroke("#8c6d31", 2.4)
"""Primitives that have no stroke of their own."""

CROSS_CELL = Stroke("#b0417a", 1.4, (0.0, (2.0, 2.0)))
"""The fixed skips between cells."""
CHAIN = Stroke("#9a9a9a", 1.4)
"""The line from the output of one cell into the next."""
HALO = Stroke("#ffd92f", 10.0)


def stroke_of(primitive: str) -> Stroke:
    """The stroke of a primitive's edges."""
    return STROKES.get(primitive, OTHER)


def node_at(network: Network, cell: int, node: int) -> Point:
    """Centre of a node."""
    x, y = NODES[network][node]
    return x + cell * CELL_PITCH, y


def bend_of(network: Network, edge: Edge) -> Bend:
    """The bend of an edge between its source and its target."""
    return BENDS.get((network, edge.source, edge.target), STRAIGHT)


def label_at(network: Network, cell: int, edge: Edge) -> Point:
    """Centre of an edge's label: a point of the quadratic Bézier curve that the edge is."""
    bend = bend_of(network, edge)
    (x0, y0), (x2, y2) = (node_at(network, cell, node) for node in (edge.source, edge.target))
    x1 = (x0 + x2) / 2 - bend.bow * (y2 - y0)
    y1 = (y0 + y2) / 2 + bend.bow * (x2 - x0)
    t, s = bend.label_at, 1 - bend.label_at
    return s * s * x0 + 2 * s * t * x1 + t * t * x2, s * s * y0 + 2 * s * t * y1 + t * t * y2


def skip_route(source: tuple[int, int], target: tuple[int, int]) -> tuple[Point, ...]:
    """Corners of a skip between two of G's cells, over the cells and down; each end is a cell and a node."""
    start, end = (node_at("generator", *place) for place in (source, target))
    return route(start, end, target[0] - source[0])


def route(start: Point, end: Point, span: int) -> tuple[Point, ...]:
    """Corners of a skip over so many cells, from the top of one node to that of another."""
    height = RAIL + RAIL_STEP * (span - 1)
    out, into = start[0] + PORT, end[0] + PORT * (2 * span - 3)
    return (out, start[1] + NODE_RADIUS), (out, height), (into, height), (into, end[1] + NODE_RADIUS)
