"""One forward of a cell whose convolutions are mixed: whatever else joins the sums of its nodes.

Skip connections, pools and skips from earlier cells are added in place and save only the node that they read;
max_pool looks for its maxima again in the backward pass, which is cheaper than to keep their indices (8 bytes
each). How the convolutions are computed is the backend's affair.

Shapes: maps in either layout of `memory_layout`.
"""

from collections import defaultdict
from collections.abc import Sequence
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

Weight = Float[Tensor, ""]
Pool = Literal["avg_pool", "max_pool"]


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
        for group in self._convolutions:
            for edge in group.ops.edges:
                if edge.target == node:
                    for operation, weight in group.additions(edge):
                        self._add_plain(node, self._values[edge.source], operation, weight)
        total = self._arrived.pop(node)
        for skip_in, maps in self._skips.pop(node, ()):
            total = add_resized(total, maps, skip_in.resize, self._convolver.layout)
        return as_nchw(total, self._convolver.layout)

    def _add_plain(self, node: int, x: Maps, operation: Addition, weight: Tensor | None) -> None:
        layout = self._convolver.layout
        if weight is None or node not in self._arrived:
            # A copy: what has arrived may be overwritten, the node must not be.
            value = x.clone() if operation == "skip" else pool(x, operation, layout)
            self._add(node, value if weight is None else value * weight)
        elif operation == "skip":
            self._arrived[node] = add_scaled(self._arrived[node], x, weight)
        else:
            self._arrived[node] = add_pool(self._arrived[node], x, weight, operation, layout)

    def _add(self, node: int, value: Maps) -> None:
        self._arrived[node] = self._arrived[node].add_(value) if node in self._arrived else value


def add_scaled(total: Maps, x: Maps, weight: Weight) -> Maps:
    """total + weight * x."""
    return in_full_precision(_AddScaled, total, x, weight)


def add_pool(total: Maps, x: Maps, weight: Weight, operation: Pool, layout: MemoryLayout) -> Maps:
    """total + weight * pool(x)."""
    return in_full_precision(_AddPool, layout, operation, total, x, weight)


def pool(x: Maps, operation: Pool, layout: MemoryLayout) -> Maps:
    """The pool alone, out of place."""
    image = as_image(x, layout)
    pooled = F.avg_pool2d(image, 2) if operation == "avg_pool" else F.max_pool2d(image, 2)
    return from_image(pooled, x.shape[-1], layout)


def add_resized(total: Maps, x: Maps, resize: Literal["nearest", "bilinear"], layout: MemoryLayout) -> Maps:
    """total + x, resized to its size."""
    return in_full_precision(_AddResized, layout, resize, total, x)


class _AddScaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, total, x, weight):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x, weight)
        ctx.mark_dirty(total)
        return total.addcmul_(x, weight)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        x, weight = ctx.saved_tensors
        _, wants_x, wants_weight = ctx.needs_input_grad
        return gradient, gradient * weight if wants_x else None, _dot(gradient, x) if wants_weight else None


class _AddPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx, layout, operation, total, x, weight):  # type: ignore[no-untyped-def]
        ctx.layout, ctx.operation = layout, operation
        ctx.save_for_backward(x, weight)
        ctx.mark_dirty(total)
        return total.addcmul_(pool(x, operation, layout), weight)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        x, weight = ctx.saved_tensors
        *_, wants_x, wants_weight = ctx.needs_input_grad
        image, to_image = as_image(x, ctx.layout), as_image((gradient * weight).contiguous(), ctx.layout)
        to_x = None
        if ctx.operation == "max_pool":
            pooled, places = torch.ops.aten.max_pool2d_with_indices(image, [2, 2])
            if wants_x:
                to_x = torch.ops.aten.max_pool2d_with_indices_backward(
                    to_image, image, [2, 2], [2, 2], [0, 0], [1, 1], False, places
                )
        else:
            pooled = F.avg_pool2d(image, 2)
            if wants_x:
                to_x = torch.ops.aten.avg_pool2d_backward(
                    to_image, image, [2, 2], [2, 2], [0, 0], False, True, None
                )
        to_x = None if to_x is None else from_image(to_x, x.shape[-1], ctx.layout)
        to_weight = _dot(gradient, from_image(pooled, x.shape[-1], ctx.layout)) if wants_weight else None
        return None, None, gradient, to_x, to_weight


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
