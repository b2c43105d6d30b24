"""Several convolutions of one rectified map, keeping only the map itself for the backward pass.

Shapes: N batch, C channels in, O channels out, H height, W width.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Geometry:
    """How a square kernel is laid over a map."""

    stride: int = 1
    padding: int = 0
    dilation: int = 1
    even: bool = False
    """Read even pixels only: what a dilated convolution of stride 2 does, without its dilation."""


class _RectifiedConvolutions(torch.autograd.Function):
    """sum_i conv(relu(x), kernel_i) + bias; saves x, not relu(x), which is recomputed."""

    @staticmethod
    def forward(ctx, geometries, x, bias, *kernels):  # type: ignore[no-untyped-def]
        rectified = x.relu()
        total = None
        for geometry, kernel in zip(geometries, kernels, strict=True):
            y = _convolve(rectified, kernel, bias if total is None else None, geometry)
            total = y if total is None else total.add_(y)
        ctx.geometries = geometries
        ctx.bias_size = None if bias is None else list(bias.shape)
        ctx.save_for_backward(x, *kernels)
        return total

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        x, *kernels = ctx.saved_tensors
        _, wants_x, wants_bias, *wants_kernels = ctx.needs_input_grad
        rectified = x.relu()
        x_gradient, bias_gradient, kernel_gradients = None, None, []
        for index, (geometry, kernel) in enumerate(zip(ctx.geometries, kernels, strict=True)):
            mask = [wants_x, wants_kernels[index], wants_bias and index == 0]
            source = rectified[..., ::2, ::2] if geometry.even else rectified
            to_source, to_kernel, to_bias = torch.ops.aten.convolution_backward(
                gradient, source, kernel, ctx.bias_size, [geometry.stride] * 2, [geometry.padding] * 2,
                [geometry.dilation] * 2, False, [0, 0], 1, mask,
            )  # fmt: skip
            bias_gradient = to_bias if index == 0 else bias_gradient
            kernel_gradients.append(to_kernel)
            if wants_x:
                x_gradient = _accumulate(x_gradient, to_source, geometry, x)
        if x_gradient is not None:
            x_gradient = torch.ops.aten.threshold_backward(x_gradient, x, 0)
        return None, x_gradient, bias_gradient, *kernel_gradients


def _accumulate(total: Tensor | None, part: Tensor, geometry: Geometry, x: Tensor) -> Tensor:
    if not geometry.even:
        return part if total is None else total.add_(part)
    if total is None:
        total = torch.zeros_like(x)
    total[..., ::2, ::2] += part
    return total


def _convolve(x: Tensor, kernel: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    source = x[..., ::2, ::2] if geometry.even else x
    return F.conv2d(source, kernel, bias, geometry.stride, geometry.padding, geometry.dilation)


def convolve_rectified(
    x: Float[Tensor, "n c h w"],
    kernels: list[tuple[Tensor, Geometry]],
    bias: Float[Tensor, " o"] | None,
) -> Float[Tensor, "n o h2 w2"]:
    """Sum of convolutions of relu(x) by kernels [O, C, k, k], plus one bias."""
    geometries = tuple(geometry for _, geometry in kernels)
    return _RectifiedConvolutions.apply(geometries, x, bias, *(kernel for kernel, _ in kernels))
