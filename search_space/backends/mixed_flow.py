"""One forward of a cell whose convolutions are mixed: whatever else joins the sums of its nodes.

Skip connections, pools and skips from earlier cells are added in place and save only the node that they read;
max_pool looks for its maxima again in the backward pass, which is cheaper than to keep their indices (8 bytes
each). How the convolutions are computed is the backend's affair.

Shapes: maps in either layout of `memory_layout`.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Literal, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.backends.backend import in_full_precision
from search_space.backends.memory_layout import MemoryLayout, as_image, as_nchw, from_image, ordered
from search_space.backends.op_groups import Addition, ConvolutionGroup, UpsamplingGroup
from search_space.backends.upsampling import Maps, bilinear_adjoint, sum_of_squares
from search_space.topology import SkipIn

aten = torch.ops.aten

Weight = Float[Tensor, ""]
Pool = Literal["avg_pool", "max_pool"]
Plain = tuple[Addition, Maps, Weight | None]
"""An operation without parameters, what it is done to, and its weight; None stands for one."""


class Convolver(Protocol):
    """Computes the convolutions of a cell."""

    layout: MemoryLayout

    def push(self, node: int, maps: Maps) -> None:
        """Take a node's value."""

    def pull(self, node: int) -> Maps | None:
        """Sum of all convolutions into a node, which the caller may overwrite; None where there are none."""


class MixedFlow:
    """Adds to the convolutions of a cell what is none."""

    def __init__(
        self,
        convolver: Convolver,
        convolutions: Sequence[ConvolutionGroup],
        upsampling: Sequence[UpsamplingGroup],
    ) -> None:
        self._convolver, self._convolutions, self._upsampling = convolver, convolutions, upsampling
        self._values: dict[int, Maps] = {}
        self._arrived: dict[int, Maps] = {}
        self._skips: defaultdict[int, list[tuple[SkipIn, Maps]]] = defaultdict(list)

    def push(self, node: int, value: Float[Tensor, "n c h w"]) -> None:
        """Send a node's final value along its outgoing edges."""
        maps = self._values[node] = ordered(value, self._convolver.layout)
        self._convolver.push(node, maps)
        for group in self._upsampling:
            if group.ops.edges[0].source == node:
                outputs = group.outputs(maps, self._convolver.layout)
                for edge, output in zip(group.ops.edges, outputs, strict=True):
                    self._add(edge.target, output)

    def push_skip(
        self, node: int, skip_in: SkipIn, skip: Float[Tensor, "n c h w"], convolution: nn.Conv2d
    ) -> None:
        """Send a skip from an earlier cell into a node; to be called before it arrives."""
        # The released code resizes first; a 1x1 convolution commutes with resizing and is cheaper before it.
        maps = ordered(skip, self._convolver.layout)
        self._skips[node].append((skip_in, F.linear(maps, convolution.weight.flatten(1), convolution.bias)))

    def pull(self, node: int) -> Float[Tensor, "n c h w"]:
        """Sum of the incoming edges."""
        if (convolved := self._convolver.pull(node)) is not None:
            self._add(node, convolved)
        self._add_plain(node, [
            (operation, self._values[edge.source], weight)
            for group in self._convolutions
            for edge in group.ops.into(node)
            for operation, weight in group.additions(edge)
        ])  # fmt: skip
        total = self._arrived.pop(node)
        for skip_in, maps in self._skips.pop(node, ()):
            total = add_resized(total, maps, skip_in.resize, self._convolver.layout)
        return as_nchw(total, self._convolver.layout)

    def _add_plain(self, node: int, plain: Sequence[Plain]) -> None:
        layout = self._convolver.layout
        while plain and (plain[0][2] is None or node not in self._arrived):
            (operation, x, weight), *plain = plain
            # A copy: what has arrived may be overwritten, the node must not be.
            value = x.clone() if operation == "skip" else pool(x, operation, layout)
            self._add(node, value if weight is None else value * weight)
        if plain:
            self._arrived[node] = add_plain(self._arrived[node], plain, layout)

    def _add(self, node: int, value: Maps) -> None:
        self._arrived[node] = self._arrived[node].add_(value) if node in self._arrived else value


def add_plain(total: Maps, plain: Sequence[Plain], layout: MemoryLayout) -> Maps:
    """total + weight * x, or pool(x), for each of them; one function for all, as each costs the host time."""
    # The last one first: so autograd sums the gradients of one map in the order of a chain of functions.
    operations, maps, weights = zip(*reversed(plain), strict=True)
    return in_full_precision(_AddPlain, layout, operations, total, *maps, *weights)


def pool(x: Maps, operation: Pool, layout: MemoryLayout) -> Maps:
    """The pool alone, out of place."""
    image = as_image(x, layout)
    pooled = F.avg_pool2d(image, 2) if operation == "avg_pool" else F.max_pool2d(image, 2)
    return from_image(pooled, x.shape[-1], layout)


def add_resized(total: Maps, x: Maps, resize: Literal["nearest", "bilinear"], layout: MemoryLayout) -> Maps:
    """total + x, resized to its size."""
    return in_full_precision(_AddResized, layout, resize, total, x)


class _AddPlain(torch.autograd.Function):
    @staticmethod
    def forward(ctx, layout, operations, total, *tensors):  # type: ignore[no-untyped-def]
        ctx.layout, ctx.operations = layout, operations
        ctx.save_for_backward(*tensors)
        ctx.mark_dirty(total)
        maps, weights = tensors[: len(operations)], tensors[len(operations) :]
        for operation, x, weight in zip(operations[::-1], maps[::-1], weights[::-1], strict=True):
            total.addcmul_(x if operation == "skip" else pool(x, operation, layout), weight)
        return total

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        count = len(ctx.operations)
        maps, weights = ctx.saved_tensors[:count], ctx.saved_tensors[count:]
        wants_maps, wants_weights = ctx.needs_input_grad[3 : 3 + count], ctx.needs_input_grad[3 + count :]
        found = [
            (_skip_gradients if operation == "skip" else partial(_pool_gradients, ctx.layout, operation))(
                gradient, *given
            )
            for operation, *given in zip(
                ctx.operations, maps, weights, wants_maps, wants_weights, strict=True
            )
        ]
        return None, None, gradient, *(to_x for to_x, _ in found), *(to_weight for _, to_weight in found)


def _skip_gradients(
    gradient: Maps, x: Maps, weight: Weight, wants_x: bool, wants_weight: bool
) -> tuple[Maps | None, Weight | None]:
    return gradient * weight if wants_x else None, _dot(gradient, x) if wants_weight else None


def _pool_gradients(
    layout: MemoryLayout, operation: Pool, gradient: Maps, x: Maps, weight: Weight, wants_x: bool,
    wants_weight: bool,
) -> tuple[Maps | None, Weight | None]:  # fmt: skip
    image, to_x = as_image(x, layout), None
    to_image = as_image((gradient * weight).contiguous(), layout) if wants_x else None
    if operation == "max_pool":
        pooled, places = aten.max_pool2d_with_indices.default(image, [2, 2])
        if to_image is not None:
            to_x = aten.max_pool2d_with_indices_backward.default(
                to_image, image, [2, 2], [2, 2], [0, 0], [1, 1], False, places
            )
    else:
        pooled = F.avg_pool2d(image, 2) if wants_weight else None
        if to_image is not None:
            to_x = aten.avg_pool2d_backward.default(
                to_image, image, [2, 2], [2, 2], [0, 0], False, True, None
            )
    channels = x.shape[-1]
    return (
        None if to_x is None else from_image(to_x, channels, layout),
        _dot(gradient, from_image(pooled, channels, layout)) if wants_weight else None,
    )


class _AddResized(torch.autograd.Function):
    @staticmethod
    def forward(ctx, layout, resize, total, x):  # type: ignore[no-untyped-def]
        ctx.layout, ctx.resize, ctx.shape = layout, resize, as_image(x, layout).shape
        ctx.mark_dirty(total)
        image, sums = as_image(x, layout), as_image(total, layout)
        align = None if resize == "nearest" else False
        sums.add_(F.interpolate(image, sums.shape[2:], mode=resize, align_corners=align))
        return total

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        gradient, channels = gradient.contiguous(), gradient.shape[-1]
        image = as_image(gradient, ctx.layout)
        if ctx.resize == "nearest":
            return None, None, gradient, sum_of_squares(gradient, ctx.layout, image.shape[2] // ctx.shape[2])
        to_x = bilinear_adjoint(image, ctx.shape)
        return None, None, gradient, from_image(to_x, channels, ctx.layout)


def _dot(one: Tensor, other: Tensor) -> Weight:
    # Not torch.dot: its plain summation loses an order of magnitude of precision in float32.
    return (one * other).sum()
