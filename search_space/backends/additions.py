"""What joins the sum of a node besides convolutions: skip connections, pools and skips from earlier cells.

All add in place and save only the node they read; max_pool looks for its maxima again in the backward pass,
which is cheaper than keeping their indices (8 bytes each).

Shapes: maps in either order of `maps`.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from search_space.backends.backend import in_full_precision
from search_space.backends.memory import MemoryLayout, as_image, from_image
from search_space.backends.upsampling import sum_of_squares

Maps = Float[Tensor, "_ _ _ c"]
Weight = Float[Tensor, ""]
Pool = Literal["avg_pool", "max_pool"]


def add_scaled(total: Maps, x: Maps, weight: Weight) -> Maps:
    """total + weight * x."""
    return in_full_precision(_AddScaled, total, x, weight)


def add_pool(total: Maps, x: Maps, weight: Weight, operation: Pool, order: MemoryLayout) -> Maps:
    """total + weight * pool(x)."""
    return in_full_precision(_AddPool, order, operation, total, x, weight)


def pool(x: Maps, operation: Pool, order: MemoryLayout) -> Maps:
    """The pool alone, out of place."""
    image = as_image(x, order)
    pooled = F.avg_pool2d(image, 2) if operation == "avg_pool" else F.max_pool2d(image, 2)
    return from_image(pooled, x.shape[-1], order)


def add_resized(total: Maps, x: Maps, resize: Literal["nearest", "bilinear"], order: MemoryLayout) -> Maps:
    """total + x, resized to its size."""
    return in_full_precision(_AddResized, order, resize, total, x)


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
    def forward(ctx, order, operation, total, x, weight):  # type: ignore[no-untyped-def]
        ctx.order, ctx.operation = order, operation
        ctx.save_for_backward(x, weight)
        ctx.mark_dirty(total)
        return total.addcmul_(pool(x, operation, order), weight)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        x, weight = ctx.saved_tensors
        *_, wants_x, wants_weight = ctx.needs_input_grad
        image, to_image = as_image(x, ctx.order), as_image((gradient * weight).contiguous(), ctx.order)
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
        to_x = None if to_x is None else from_image(to_x, x.shape[-1], ctx.order)
        to_weight = _dot(gradient, from_image(pooled, x.shape[-1], ctx.order)) if wants_weight else None
        return None, None, gradient, to_x, to_weight


class _AddResized(torch.autograd.Function):
    @staticmethod
    def forward(ctx, order, resize, total, x):  # type: ignore[no-untyped-def]
        ctx.order, ctx.resize, ctx.shape = order, resize, as_image(x, order).shape
        ctx.mark_dirty(total)
        image, sums = as_image(x, order), as_image(total, order)
        align = None if resize == "nearest" else False
        sums.add_(F.interpolate(image, sums.shape[2:], mode=resize, align_corners=align))
        return total

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        gradient, channels = gradient.contiguous(), gradient.shape[-1]
        image = as_image(gradient, ctx.order)
        if ctx.resize == "nearest":
            return None, None, gradient, sum_of_squares(gradient, ctx.order, image.shape[2] // ctx.shape[2])
        to_x = torch.ops.aten.upsample_bilinear2d_backward(image, image.shape[2:], ctx.shape, False)
        return None, None, gradient, from_image(to_x, channels, ctx.order)


def _dot(one: Tensor, other: Tensor) -> Weight:
    # Not torch.dot: its plain summation loses an order of magnitude of precision in float32.
    return (one * other).sum()
