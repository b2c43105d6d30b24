"""One cell for everything: its edge list and what fills each edge make it G's or D's, supernet or derived.

Shapes: N batch, C channels, H height, W width.
"""

from collections.abc import Sequence
from typing import cast

from jaxtyping import Float
from torch import Tensor, nn

from search_space.architecture import EdgeWeights
from search_space.backends import BackendName
from search_space.backends.backend import Flow, Operation
from search_space.backends.registry import BACKENDS
from search_space.genotype import Genotype
from search_space.space import SearchSpace
from search_space.stacked import (
    Choices,
    Filling,
    StackedConvolution,
    StackedTransposed,
    every_primitive,
    fill,
)
from search_space.topology import CellEdges, SkipIn


class Cell(nn.Module):
    """The nodes of a cell, each the sum of its incoming edges; only what fills an edge differs.

    `choices` of None makes a supernet cell. Parameters are named by kind and primitive
    (`normal.conv_3x3.weight`), whatever the backend.
    """

    def __init__(
        self,
        space: SearchSpace,
        edges: CellEdges,
        choices: Choices | None,
        channels: int,
        *,
        image_channels: int = 0,
        spectral: bool = False,
        skip_ins: tuple[SkipIn, ...] = (),
    ) -> None:
        super().__init__()
        if space.output_node is None:
            raise ValueError(f"the cells of {space.name} have no nodes: it needs networks of its own")
        self.output_node, self.skip_node = space.output_node, space.skip_node
        self.space, self.edges = space, edges
        self.fillings = fill(space, edges, choices or every_primitive(space, edges))
        self.skip_ins = skip_ins
        for filling in self.fillings:
            in_channels = image_channels if filling.kind == "image" else channels
            if (operation := _operation(filling, in_channels, channels, spectral)) is not None:
                self._of_kind(filling.kind)[filling.primitive.name] = operation
        self.skips = nn.ModuleList(_pointwise(channels) for _ in skip_ins)
        self._inner_nodes = self.inner_nodes(self.fillings)
        self.use_backend("auto")

    def _of_kind(self, kind: str) -> nn.ModuleDict:
        if kind not in self._modules:
            self.add_module(kind, nn.ModuleDict())
        return cast(nn.ModuleDict, self._modules[kind])

    def operation(self, filling: Filling) -> Operation | None:
        """Stacked parameters of a filling; None for primitives that have none."""
        operations = cast(nn.ModuleDict, self._modules.get(filling.kind, nn.ModuleDict()))
        return cast(Operation | None, operations._modules.get(filling.primitive.name))

    def use_backend(self, backend: BackendName) -> None:
        """Choose how the edges are computed; results are the same up to rounding."""
        self.backend_name = backend
        self.backend = BACKENDS[backend](self.operations())

    def operations(self) -> dict[Filling, Operation | None]:
        """The operations on the edges, with their stacked parameters."""
        return {filling: self.operation(filling) for filling in self.fillings}

    def forward(
        self,
        x: Float[Tensor, "n c h w"],
        edge_weights: EdgeWeights | None = None,
        skips: Sequence[Tensor] = (),
    ) -> tuple[Float[Tensor, "n c2 h2 w2"], Float[Tensor, "n c2 h3 w3"] | None]:
        """The output node and, for later cells, the skip node if there is one; `skips` are earlier ones."""
        return self.carry(self.backend.flow(x, edge_weights), self._inner_nodes, x, skips)

    def inner_nodes(self, fillings: Sequence[Filling]) -> list[int]:
        """Nodes before the output that some edge enters; of the others nothing is read."""
        return sorted(_entered(fillings) - {self.output_node})

    def carry(
        self, flow: Flow, inner_nodes: Sequence[int], x: Tensor, skips: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor | None]:
        """Send an input along the edges of a flow, through the nodes that some edge enters."""
        exported = None
        flow.push(0, x)
        for node in inner_nodes:
            if node == self.skip_node:
                for skip_in, convolution in zip(self.skip_ins, self.skips, strict=True):
                    flow.push_skip(node, skip_in, skips[skip_in.source_cell], cast(nn.Conv2d, convolution))
            value = flow.pull(node)
            if node == self.skip_node:
                exported = value
            flow.push(node, value)
        return flow.pull(self.output_node), exported


def use_backend(network: nn.Module, backend: BackendName) -> None:
    """Choose how every cell of a network computes its edges."""
    for module in network.modules():
        if isinstance(module, Cell):
            module.use_backend(backend)


def choices_of(genotype: Genotype | None, cell: int) -> Choices | None:
    """The primitives on the edges of a cell; None, for all primitives, in a supernet."""
    return None if genotype is None else [(name,) for name in genotype.cells[cell]]


def _entered(fillings: Sequence[Filling]) -> set[int]:
    """Nodes that some edge enters."""
    entering = (filling.edges for filling in fillings if filling.primitive.operation != "none")
    return {edge.target for edges in entering for edge in edges}


def _pointwise(channels: int) -> nn.Conv2d:
    convolution = nn.Conv2d(channels, channels, 1)
    nn.init.xavier_uniform_(convolution.weight)
    return convolution


def _operation(filling: Filling, in_channels: int, channels: int, spectral: bool) -> Operation | None:
    edges, primitive = len(filling.edges), filling.primitive
    match primitive.operation:
        case "conv":
            return StackedConvolution(edges, in_channels, channels, primitive.kernel, spectral=spectral)
        case "nearest" | "bilinear":
            return StackedConvolution(edges, in_channels, channels, kernel=1)
        case "transposed":
            return StackedTransposed(edges, channels, primitive.kernel)
        case _:
            return None
