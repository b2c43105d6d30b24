"""Parameter counts of networks, summed over the choices of their edges. Imports no torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from search_space.topology import CellEdges, Edge, Primitive


@dataclass(frozen=True)
class ParameterTable:
    """Parameters by cell, edge and primitive, for one network at given widths."""

    fixed: int
    """Parameters of everything that is not searched."""
    cells: tuple[tuple[Mapping[str, int], ...], ...]

    def count(self, cells: Sequence[Sequence[str]]) -> int:
        """Trainable parameters of the derived network with these primitives."""
        assert len(cells) == len(self.cells)
        return self.fixed + sum(self.cell(index, names) for index, names in enumerate(cells))

    def cell(self, index: int, names: Sequence[str]) -> int:
        """Those of one cell with these primitives."""
        return sum(edge[name] for edge, name in zip(self.cells[index], names, strict=True))


def parameter_table(
    fixed: int,
    cells: Sequence[CellEdges],
    vocabularies: Mapping[str, Sequence[Primitive]],
    parameters: Callable[[Edge, Primitive], int],
) -> ParameterTable:
    """The table in which `parameters` says what a primitive has on an edge."""
    return ParameterTable(
        fixed,
        tuple(
            tuple({each.name: parameters(edge, each) for each in vocabularies[edge.kind]} for edge in edges)
            for edges in cells
        ),
    )


def primitive_parameters(primitive: Primitive, in_channels: int, channels: int) -> int:
    """Parameters of one primitive of the shared cells on one edge."""
    taps = primitive.kernel**2
    match primitive.operation:
        case "conv":
            return in_channels * channels * taps + channels
        case "nearest" | "bilinear":  # with a 1x1 convolution
            return in_channels * channels + channels
        case "transposed":  # depthwise, then pointwise; no bias
            return channels * taps + channels**2
        case _:
            return 0
