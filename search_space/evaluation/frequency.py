"""Frequency form, for CPUs: kernels are mixed as in direct form, and convolved as products of spectra.

About two multiplications per pixel and pair of channels take the place of fifty.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from search_space.architecture import EdgeWeights
from search_space.evaluation.bundles import bundle
from search_space.evaluation.flow import MixedFlow
from search_space.evaluation.frequency_convolution import convolve_planes
from search_space.evaluation.held import HeldConvolutions, hold
from search_space.evaluation.maps import Order
from search_space.evaluation.taps import Layout, layout_of
from search_space.evaluation.upsampling import Maps
from search_space.evaluation.wiring import Connection, Wiring
from search_space.filling import Filling
from search_space.topology import Edge


class FrequencyForm:
    """A plan for the edges of one cell."""

    def __init__(self, fillings: Sequence[Filling], operations: Sequence[nn.Module | None]) -> None:
        self._operations = dict(zip(fillings, operations, strict=True))
        self._bundles = bundle(fillings)

    def flow(self, edge_weights: EdgeWeights | None) -> MixedFlow:
        """Begin a forward."""
        held, upsampling = hold(self._bundles, self._operations, edge_weights)
        return MixedFlow(FrequencyConvolver(held), held, upsampling)


class FrequencyConvolver:
    """Computes the convolutions into a node when asked for it, from all of their sources at once."""

    order: Order = "planes"

    def __init__(self, held: Sequence[HeldConvolutions]) -> None:
        self._edges = [(edge, one) for one in held if one.primitives for edge in one.bundle.edges]
        self._maps: dict[int, Maps] = {}
        self._sums: dict[int, Maps] = {}
        self._mixed: dict[HeldConvolutions, _Mixed] = {}

    def leave(self, node: int, maps: Maps) -> None:
        """Take a node's value."""
        self._maps[node] = maps

    def arrive(self, node: int) -> Maps | None:
        """Sum of all convolutions into a node."""
        into = [(edge, held) for edge, held in self._edges if edge.target == node]
        if into and node not in self._sums:
            self._convolve(folded=into[0][1].bundle.kind == "down")
        return self._sums.pop(node, None)

    def _convolve(self, *, folded: bool) -> None:
        """Compute every sum of which all sources are known: sums share the spectra of their sources."""
        edges = [(e, held) for e, held in self._edges if (held.bundle.kind == "down") == folded]
        waiting = {edge.target for edge, _ in edges if edge.source not in self._maps}
        ready = [(e, held) for e, held in edges if e.target not in waiting and e.target not in self._maps]
        sources = sorted({edge.source for edge, _ in ready})
        targets = sorted({edge.target for edge, _ in ready})
        size = self._maps[sources[0]].shape[0]
        mixed = [self._mix(held, size).of(edge) for edge, held in ready]
        wiring = Wiring(
            tuple(
                Connection(sources.index(edge.source), targets.index(edge.target), layout.offsets)
                for (edge, _), (layout, _, _) in zip(ready, mixed, strict=True)
            ),
            rectified=tuple(
                not any(e.source == s and h.bundle.kind == "image" for e, h in ready) for s in sources
            ),
            folded=folded,
        )
        sums = convolve_planes(
            wiring,
            [self._maps[source] for source in sources],
            [kernel for _, kernel, _ in mixed],
            [bias for _, _, bias in mixed],
        )
        self._sums.update(zip(targets, sums, strict=True))

    def _mix(self, held: HeldConvolutions, size: int) -> "_Mixed":
        if held not in self._mixed:
            self._mixed[held] = _Mixed(held, size)
        return self._mixed[held]


class _Mixed:
    """Mixed kernels and biases of a bundle, edge by edge."""

    def __init__(self, held: HeldConvolutions, size: int) -> None:
        self._edges = held.bundle.edges
        self._layout = layout_of(held.primitives, size, folded=held.bundle.kind == "down")
        self._kernels = _by_axis(held.kernels(self._layout), self._layout).unbind()
        self._biases = held.biases().unbind()

    def of(self, edge: Edge) -> tuple[Layout, Float[Tensor, "t t o i"], Float[Tensor, " o"]]:
        """What convolves on an edge."""
        position = self._edges.index(edge)
        return self._layout, self._kernels[position], self._biases[position]


def _by_axis(kernels: Float[Tensor, "E T o i"], layout: Layout) -> Float[Tensor, "E t t o i2"]:
    side = len(layout.offsets)
    if not layout.folded:
        return kernels.unflatten(1, (side, side))
    return kernels.unflatten(1, (side, side, 4)).permute(0, 1, 2, 4, 3, 5).flatten(4)
