"""Primitives that stand on the same edges: what a cell computes at once.

Shapes: E edges of the group, P its primitives.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from search_space.architecture import EdgeWeights
from search_space.backends.backend import Operation, Operations
from search_space.backends.kernel_layout import KernelLayout
from search_space.backends.memory_layout import MemoryLayout
from search_space.backends.mixing import Rows, mix, mix_biases, mix_images
from search_space.backends.upsampling import Maps, add_bilinear, add_transposed, begin, nearest
from search_space.stacked import (
    Filling,
    SpectralNorm,
    StackedConvolution,
    StackedTransposed,
    spectral_norms,
    taken,
)
from search_space.topology import Edge, Kind


@dataclass(frozen=True)
class OpGroup:
    """In a supernet all primitives of a kind, in a derived network one primitive."""

    kind: Kind
    edges: tuple[Edge, ...]
    fillings: tuple[Filling, ...]
    operations: tuple[Operation | None, ...]
    """Parameters of the fillings."""

    @cached_property
    def sources(self) -> dict[int, tuple[int, ...]]:
        """By node, the rows of the edges that leave it."""
        return {
            node: tuple(row for row, edge in enumerate(self.edges) if edge.source == node)
            for node in dict.fromkeys(edge.source for edge in self.edges)
        }

    def into(self, node: int) -> list[Edge]:
        """The edges that lead to a node."""
        return [edge for edge in self.edges if edge.target == node]

    def targets(self, node: int) -> list[int]:
        """Where the edges lead that leave a node."""
        return [self.edges[row].target for row in self.sources[node]]

    def weights(self, edge_weights: EdgeWeights | None) -> Float[Tensor, "E P"] | None:
        """Weight of every primitive on every edge; None stands for ones."""
        if edge_weights is None:
            return None
        first = self.fillings[0]
        columns = [filling.column for filling in self.fillings]
        return taken(taken(edge_weights[first.group], first.rows), columns, axis=1)


def group_ops(operations: Operations) -> tuple[OpGroup, ...]:
    """The groups of a cell; where groups share an edge, it sends the sum of what they do."""
    groups: dict[tuple[Kind, tuple[Edge, ...]], list[Filling]] = {}
    for filling in operations:
        groups.setdefault((filling.kind, filling.edges), []).append(filling)
    return tuple(
        OpGroup(kind, edges, tuple(members), tuple(operations[filling] for filling in members))
        for (kind, edges), members in groups.items()
    )


Addition = Literal["skip", "avg_pool", "max_pool"]


def weighted_groups(
    groups: Sequence[OpGroup], edge_weights: EdgeWeights | None
) -> tuple[list["ConvolutionGroup"], list["UpsamplingGroup"]]:
    """The groups of a cell with their weights of one forward; in training mode, after a power iteration."""
    operations = (operation for group in groups for operation in group.operations)
    stacks = [s for s in operations if isinstance(s, StackedConvolution) and s.spectral]
    norms = dict(zip(stacks, spectral_norms(stacks), strict=True)) if stacks else {}
    convolutions = [ConvolutionGroup(group, norms, edge_weights) for group in groups if group.kind != "up"]
    return convolutions, [UpsamplingGroup(group, edge_weights) for group in groups if group.kind == "up"]


class ConvolutionGroup:
    """A group that keeps or halves resolution: convolutions, and primitives without parameters."""

    def __init__(
        self,
        group: OpGroup,
        norms: Mapping[StackedConvolution, SpectralNorm],
        edge_weights: EdgeWeights | None,
    ) -> None:
        self.ops = group
        # Every vocabulary names primitives without parameters first.
        members = [(f.primitive, o) for f, o in zip(group.fillings, group.operations, strict=True)]
        self._plain: list[str] = [primitive.operation for primitive, module in members if module is None]
        self.primitives = tuple(primitive for primitive, module in members if module is not None)
        self._convolutions = [module for _, module in members if isinstance(module, StackedConvolution)]
        self._norms = [norms.get(convolution) for convolution in self._convolutions]
        weights = group.weights(edge_weights)
        self._plain_weights: Tensor | None = None
        self._weights: Tensor | None = None
        if weights is not None:
            self._plain_weights, self._weights = weights.split([len(self._plain), len(self._convolutions)], 1)

    def kernels(self, layout: KernelLayout) -> Float[Tensor, "E T O I"]:
        """The convolutions mixed to one kernel an edge."""
        return mix(self.primitives, self._convolutions, self._norms, self._weights, layout)

    def image_kernels(
        self, layout: KernelLayout, part: slice, rows: Rows
    ) -> tuple[Float[Tensor, "_ I t t"], ...]:
        """Some of the convolutions, mixed for F.conv2d: for each part of the rows, its edges' outputs."""
        weights = None if self._weights is None else self._weights[:, part]
        convolutions, norms = self._convolutions[part], self._norms[part]
        return mix_images(self.primitives[part], convolutions, norms, weights, layout, rows)

    def biases(self) -> Float[Tensor, "E O"]:
        """Biases of the mixed kernels."""
        return mix_biases(self._convolutions, self._weights)

    def additions(self, edge: Edge) -> Iterator[tuple[Addition, Float[Tensor, ""] | None]]:
        """Operations without parameters on an edge, each with its weight; None stands for one."""
        position, columns = self.ops.edges.index(edge), len(self._plain)
        for column, operation in enumerate(self._plain):
            weight = None if self._scalars is None else self._scalars[position * columns + column]
            match operation:
                case "skip" | "avg_pool" | "max_pool":
                    yield operation, weight

    @cached_property
    def _scalars(self) -> tuple[Tensor, ...] | None:
        return None if self._plain_weights is None else self._plain_weights.flatten().unbind()


class UpsamplingGroup:
    """A group that doubles resolution; all of its edges leave one node."""

    def __init__(self, group: OpGroup, edge_weights: EdgeWeights | None) -> None:
        self.ops = group
        weights = group.weights(edge_weights)
        columns = [None] * len(group.fillings) if weights is None else weights.unbind(1)
        self._convolutions: dict[str, tuple[StackedConvolution, Tensor | None]] = {}
        self._transposed: tuple[StackedTransposed, Tensor | None] | None = None
        for filling, operation, weight in zip(group.fillings, group.operations, columns, strict=True):
            if isinstance(operation, StackedTransposed):
                self._transposed = operation, weight
            elif operation is not None:
                self._convolutions[filling.primitive.operation] = operation, weight

    def outputs(self, x: Maps, layout: MemoryLayout) -> Sequence[Maps]:
        """What arrives at the end of each edge."""
        biases = self._biases()
        if biases is not None and "nearest" in self._convolutions:
            outputs = nearest(x, _pointwise(*self._convolutions["nearest"]), biases, layout)
        else:
            outputs = begin(x, len(self.ops.edges), biases, layout)
        if "bilinear" in self._convolutions:
            outputs = add_bilinear(x, _pointwise(*self._convolutions["bilinear"]), outputs, layout)
        if self._transposed is not None:
            stack, weight = self._transposed
            outputs = add_transposed(x, stack.depthwise, _pointwise(stack.pointwise, weight), outputs, layout)
        return outputs

    def _biases(self) -> Float[Tensor, "E C"] | None:
        scaled = [_times(stack.bias, w) for stack, w in self._convolutions.values() if stack.bias is not None]
        return sum(scaled[1:], start=scaled[0]) if scaled else None


def _pointwise(stack: StackedConvolution, weight: Float[Tensor, " E"] | None) -> Float[Tensor, "E C C"]:
    return _times(stack.weight.flatten(2), weight)


def _times(parameter: Tensor, weight: Float[Tensor, " E"] | None) -> Tensor:
    return parameter if weight is None else parameter * weight.view(-1, *[1] * (parameter.dim() - 1))
