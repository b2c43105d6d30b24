"""Convolution by frequencies, for CPUs: kernels are mixed as in `direct`, and convolved as spectra.

About two multiplications per pixel and pair of channels take the place of fifty.
"""

from collections import Counter
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from search_space.architecture import EdgeWeights
from search_space.backends.backend import Map, Operations
from search_space.backends.conv_graph import Connection, ConvGraph
from search_space.backends.frequency_convolution import convolve_planes
from search_space.backends.kernel_layout import KernelLayout, kernel_layout_of
from search_space.backends.memory_layout import MemoryLayout
from search_space.backends.mixed_flow import MixedFlow
from search_space.backends.op_groups import ConvolutionGroup, group_ops, weighted_groups
from search_space.backends.upsampling import Maps
from search_space.topology import Edge

Pair = tuple[Edge, ConvolutionGroup]


class FrequencyBackend:
    """A plan for the edges of one cell."""

    def __init__(self, operations: Operations) -> None:
        self._groups = group_ops(operations)

    def flow(self, x: Map, edge_weights: EdgeWeights | None) -> MixedFlow:  # noqa: ARG002
        """Begin a forward."""
        convolutions, upsampling = weighted_groups(self._groups, edge_weights)
        return MixedFlow(FrequencyConvolver(convolutions), convolutions, upsampling)


class FrequencyConvolver:
    """Computes the convolutions into a node when asked for it, from all of their sources at once."""

    layout: MemoryLayout = "planes"

    def __init__(self, groups: Sequence[ConvolutionGroup]) -> None:
        self._pending = [(edge, group) for group in groups if group.primitives for edge in group.ops.edges]
        self._maps: dict[int, Maps] = {}
        self._sums: dict[int, Maps] = {}
        self._mixed: dict[ConvolutionGroup, _Mixed] = {}

    def push(self, node: int, maps: Maps) -> None:
        """Take a node's value."""
        self._maps[node] = maps

    def pull(self, node: int) -> Maps | None:
        """Sum of all convolutions into a node."""
        into = [group for edge, group in self._pending if edge.target == node]
        if into:
            self._convolve(self._choose(folded=into[0].ops.kind == "down"))
        return self._sums.pop(node, None)

    def _choose(self, *, folded: bool) -> list[Pair]:
        """What to compute now: edges into every node whose sources are all known share the spectra of these.

        A node that lacks a source joins if at least two of its edges are at hand: transforming their sources
        again later would take longer than transforming a part of the sum back.
        """
        pending = [(e, group) for e, group in self._pending if (group.ops.kind == "down") == folded]
        waiting = {edge.target for edge, _ in pending if edge.source not in self._maps}
        sources = {edge.source for edge, _ in pending if edge.target not in waiting}
        at_hand = Counter(edge.target for edge, _ in pending if edge.source in sources)
        chosen = {
            edge.target for edge, _ in pending if edge.target not in waiting or at_hand[edge.target] > 1
        }
        return [(e, group) for e, group in pending if e.source in sources and e.target in chosen]

    def _convolve(self, pairs: list[Pair]) -> None:
        sources = sorted({edge.source for edge, _ in pairs})
        targets = sorted({edge.target for edge, _ in pairs})
        size = self._maps[sources[0]].shape[0]
        mixed = [self._mix(group, size).of(edge) for edge, group in pairs]
        images = {edge.source for edge, group in pairs if group.ops.kind == "image"}
        graph = ConvGraph(
            tuple(
                Connection(sources.index(edge.source), targets.index(edge.target), layout.offsets)
                for (edge, _), (layout, _, _) in zip(pairs, mixed, strict=True)
            ),
            rectified=tuple(source not in images for source in sources),
            folded=pairs[0][1].ops.kind == "down",
        )
        sums = convolve_planes(
            graph,
            [self._maps[source] for source in sources],
            [kernel for _, kernel, _ in mixed],
            [bias for _, _, bias in mixed],
        )
        for target, total in zip(targets, sums, strict=True):
            self._sums[target] = self._sums[target].add_(total) if target in self._sums else total
        self._pending = [pair for pair in self._pending if pair not in pairs]

    def _mix(self, group: ConvolutionGroup, size: int) -> "_Mixed":
        if group not in self._mixed:
            self._mixed[group] = _Mixed(group, size)
        return self._mixed[group]


class _Mixed:
    """Mixed kernels and biases of a group, edge by edge."""

    def __init__(self, group: ConvolutionGroup, size: int) -> None:
        self._edges = group.ops.edges
        self._layout = kernel_layout_of(group.primitives, size, folded=group.ops.kind == "down")
        self._kernels = _by_axis(group.kernels(self._layout), self._layout).unbind()
        self._biases = group.biases().unbind()

    def of(self, edge: Edge) -> tuple[KernelLayout, Float[Tensor, "t t o i"], Float[Tensor, " o"]]:
        """What convolves on an edge."""
        position = self._edges.index(edge)
        return self._layout, self._kernels[position], self._biases[position]


def _by_axis(kernels: Float[Tensor, "E T o i"], layout: KernelLayout) -> Float[Tensor, "E t t o i2"]:
    side = len(layout.offsets)
    if not layout.folded:
        return kernels.unflatten(1, (side, side))
    return kernels.unflatten(1, (side, side, 4)).permute(0, 1, 2, 4, 3, 5).flatten(4)
