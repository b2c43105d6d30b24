"""Primitives that stand on the same edges: what a cell computes at once.

Shapes: E edges of the group, P its primitives.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from search_space.architecture import EdgeWeights
from search_space.backends.backend import Operations
from search_space.backends.kernel_layout import KernelLayout
from search_space.backends.memory_layout import MemoryLayout
from search_space.backends.mixing import mix, mix_biases
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
    """A group of operations: in a supernet all primitives of a kind, in a derived network one primitive."""

    kind: Kind
    edges: tuple[Edge, ...]
    fillings: tuple[Filling, ...]

    def weights(self, edge_weights: EdgeWeights | None) -> Float[Tensor, "E P"] | None:
        """Weight of every primitive on every edge; None stands for ones."""
        if edge_weights is None:
            return None
        first = self.fillings[0]
        columns = [filling.column for filling in self.fillings]
        return taken(taken(edge_weights[first.group], first.rows), columns, axis=1)


def group_ops(fillings: Iterable[Filling]) -> tuple[OpGroup, ...]:
    """The groups of a cell; where groups share an edge, it sends the sum of what they do."""
    groups: dict[tuple[Kind, tuple[Edge, ...]], list[Filling]] = {}
    for filling in fillings:
        groups.setdefault((filling.kind, filling.edges), []).append(filling)
    return tuple(OpGroup(kind, edges, tuple(members)) for (kind, edges), members in groups.items())


Addition = Literal["skip", "avg_pool", "max_pool"]


def weighted_groups(
    groups: Sequence[OpGroup], operations: Operations, edge_weights: EdgeWeights | None
) -> tuple[list["ConvolutionGroup"], list["UpsamplingGroup"]]:
    """The groups of a cell with their weights of one forward; in training mode, after a power iteration."""
    stacks = [s for s in operations.values() if isinstance(s, StackedConvolution) and s.spectral]
    norms = dict(zip(stacks, spectral_norms(stacks), strict=True)) if stacks else {}
    convolutions = [ConvolutionGroup(b, operations, norms, edge_weights) for b in groups if b.kind != "up"]
    return convolutions, [UpsamplingGroup(b, operations, edge_weights) for b in groups if b.kind == "up"]


class ConvolutionGroup:
    """A group that keeps or halves resolution: convolutions, and primitives without parameters."""

    def __init__(
        self,
        group: OpGroup,
        operations: Operations,
        norms: Mapping[StackedConvolution, SpectralNorm],
        edge_weights: EdgeWeights | None,
    ) -> None:
        self.ops = group
        # Every vocabulary names primitives without parameters first.
        members = [(f.primitive, operations[f]) for f in group.fillings]
        self._plain: list[str] = [primitive.operation for primitive, module in members if module is None]
        self.primitives = tuple(primitive for primitive, module in members if module is not None)
        self._convolutions = [module for _, module in members if isinstance(module, StackedConvolution)]
        self._norms = [norms.get(convolution) for convolution in self._convolutions]
        weights = group.weights(edge_weights)
        self._plain_weights: Tensor | None = None
        self._weights: Tensor | None = None
        if weights is not None:
            self._plain_weights, self._weights = weights.split([len(self._plain), len(self._convolutions)], 1)

    def kernels(self, layout: KernelLayout, part: slice = slice(None)) -> Float[Tensor, "E T O I"]:
        """The convolutions, or some of them, mixed to one kernel an edge."""
        weights = None if self._weights is None else self._weights[:, part]
        return mix(self.primitives[part], self._convolutions[part], self._norms[part], weights, layout)

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

    def __init__(self, group: OpGroup, operations: Operations, edge_weights: EdgeWeights | None) -> None:
        self.ops = group
        weights = group.weights(edge_weights)
        columns = [None] * len(group.fillings) if weights is None else weights.unbind(1)
        self._convolutions: dict[str, tuple[StackedConvolution, Tensor | None]] = {}
        self._transposed: tuple[StackedTransposed, Tensor | None] | None = None
        for filling, weight in zip(group.fillings, columns, strict=True):
            operation = operations[filling]
            if isinstance(operation, StackedTransposed):
                self._transposed = operation, weight
            elif operation is not None:
                self._convolutions[filling.primitive.operation] = operation, weight

    def outputs(self, x: Maps, layout: MemoryLayout) -> Sequence[Maps]:
        """The maps that arrive at the end of each edge."""
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
