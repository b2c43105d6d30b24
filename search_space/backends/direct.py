"""Direct form: kernels are mixed instead of outputs, and edges that leave one node share one convolution.

What the backward pass needs is one map per node, the node itself: architecture parameters get their gradients
through the mixed kernels, not through the outputs of operations.

Shapes: maps are images [n, h, w, c], E edges, T taps, O and I channels out and in.
"""

from collections.abc import Sequence
from functools import cache

from jaxtyping import Float
from torch import Tensor

from search_space.architecture import EdgeWeights
from search_space.backends.backend import Map, Operations
from search_space.backends.image_convolution import Geometry, convolve_images
from search_space.backends.kernel_layout import Layout, axis_taps
from search_space.backends.memory_layout import Order
from search_space.backends.mixed_flow import MixedFlow
from search_space.backends.op_groups import bundle
from search_space.backends.precision import autocast_dtype
from search_space.backends.scaled_groups import HeldConvolutions, hold
from search_space.backends.upsampling import Maps
from search_space.primitives import Primitive


class DirectForm:
    """A plan for the edges of one cell."""

    def __init__(self, operations: Operations) -> None:
        self._operations, self._bundles = operations, bundle(operations)

    def flow(self, x: Map, edge_weights: EdgeWeights | None) -> MixedFlow:  # noqa: ARG002
        """Begin a forward."""
        held, upsampling = hold(self._bundles, self._operations, edge_weights)
        return MixedFlow(DirectConvolver(held), held, upsampling)


class DirectConvolver:
    """Convolves a node for all of its edges as soon as it is known."""

    order: Order = "images"

    def __init__(self, held: Sequence[HeldConvolutions]) -> None:
        self._held = [one for one in held if one.primitives]
        self._sums: dict[int, Maps] = {}
        self._mixed: dict[HeldConvolutions, tuple[list[tuple[Tensor, Geometry]], Tensor]] = {}

    def leave(self, node: int, maps: Maps) -> None:
        """Convolve a node."""
        for held in self._held:
            rows = [row for row, edge in enumerate(held.bundle.edges) if edge.source == node]
            if rows:
                targets = [held.bundle.edges[row].target for row in rows]
                self._convolve(held, rows, targets, maps)

    def arrive(self, node: int) -> Maps | None:
        """Sum of all convolutions into a node."""
        return self._sums.pop(node, None)

    def _convolve(self, held: HeldConvolutions, rows: list[int], targets: list[int], maps: Maps) -> None:
        if held not in self._mixed:
            self._mixed[held] = _mix(held, maps.shape[1]), held.biases()
        mixed, biases = self._mixed[held]
        span = slice(rows[0], rows[-1] + 1) if rows == list(range(rows[0], rows[-1] + 1)) else rows
        dtype = autocast_dtype(maps)
        kernels = [(kernel[span].to(dtype), geometry) for kernel, geometry in mixed]
        sums = convolve_images(
            maps.to(dtype),
            kernels,
            biases[span].to(dtype),
            [self._sums.get(target) for target in targets],
            rectified=held.bundle.kind != "image",
        )
        self._sums.update(zip(targets, sums, strict=True))


def _mix(held: HeldConvolutions, size: int) -> list[tuple[Float[Tensor, "E O I k k"], Geometry]]:
    kernels = []
    for part, spacing in parts(held.primitives, size):
        primitives = held.primitives[part]
        half = max(max(axis_taps(primitive)) for primitive in primitives) // spacing
        half = min(half, (size - 1) // spacing)
        offsets = tuple(spacing * tap for tap in range(-half, half + 1))
        mixed = held.kernels(Layout(offsets), part).unflatten(1, (len(offsets), len(offsets)))
        kernels.append((mixed.permute(0, 3, 4, 1, 2), _geometry(held.bundle.kind == "down", half, spacing)))
    return kernels


@cache
def parts(primitives: Sequence[Primitive], size: int) -> list[tuple[slice, int]]:
    """Convolutions that are mixed into one kernel, as parts of a vocabulary, and the spacing of its taps.

    Vocabularies name dilated convolutions last. On a map so small that their outer taps see nothing, they
    fit into the undilated kernel.
    """
    undilated = [primitive for primitive in primitives if primitive.dilation == 1]
    reach = max((max(axis_taps(primitive)) for primitive in undilated), default=0)
    dilated = {tap for p in primitives[len(undilated) :] for tap in axis_taps(p) if abs(tap) < size}
    if not undilated:
        return [(slice(None), primitives[0].dilation)]
    if max(dilated, default=0) <= reach:
        return [(slice(None), 1)]
    return [(slice(0, len(undilated)), 1), (slice(len(undilated), None), primitives[-1].dilation)]


def _geometry(halves: bool, half: int, spacing: int) -> Geometry:
    if not halves:
        return Geometry(padding=half * spacing, dilation=spacing)
    # Every kernel of a stride of 2 is centred on even pixels, and a dilation of 2 reads no others.
    return Geometry(padding=half, even=True) if spacing > 1 else Geometry(stride=2, padding=half)
