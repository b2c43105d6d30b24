"""Upsampling primitives of edges that leave one node: they share every interpolation and save only that node.

Each primitive adds to what the ones before it have put on the edges, in place.

Shapes: maps in either layout of `memory_layout`, E edges, C channels, m pixels of all maps.
"""

from collections.abc import Sequence
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from search_space.backends.backend import in_full_precision
from search_space.backends.memory_layout import KEPT_AXES, MemoryLayout, as_image, from_image

aten = torch.ops.aten

Maps = Float[Tensor, "_ _ _ C"]
Outputs = Sequence[Float[Tensor, "_ _ _ C"]]
"""One an edge, twice as high and wide as the node; overwritten where they are taken."""


def begin(x: Maps, edges: int, biases: Float[Tensor, "E C"] | None, layout: MemoryLayout) -> Outputs:
    """Nothing on the edges but biases."""
    shape = _doubled(x, layout)
    if biases is None:
        return [x.new_zeros(shape) for _ in range(edges)]
    return [bias.expand(shape).clone() for bias in biases.unbind()]


def nearest(
    x: Maps, kernels: Float[Tensor, "E C C"], biases: Float[Tensor, "E C"], layout: MemoryLayout
) -> Outputs:
    """Nearest interpolation, ReLU, 1x1 convolution; the last two come first, at a quarter of the pixels."""
    return in_full_precision(_Nearest, layout, x, kernels, biases)


def add_bilinear(x: Maps, kernels: Float[Tensor, "E C C"], outputs: Outputs, layout: MemoryLayout) -> Outputs:
    """Bilinear interpolation, ReLU, 1x1 convolution."""
    return in_full_precision(_AddBilinear, layout, x, kernels, *outputs)


def add_transposed(
    x: Maps,
    depthwise: Float[Tensor, "E C 1 3 3"],
    pointwise: Float[Tensor, "E C C"],
    outputs: Outputs,
    layout: MemoryLayout,
) -> Outputs:
    """ReLU, depthwise transposed convolution, 1x1 convolution."""
    return in_full_precision(_AddTransposed, layout, x, depthwise, pointwise, *outputs)


class _Nearest(torch.autograd.Function):
    @staticmethod
    def forward(ctx, layout, x, kernels, biases):  # type: ignore[no-untyped-def]
        ctx.layout = layout
        ctx.save_for_backward(x, kernels)
        rectified, outputs = _flat(x.relu()), []
        for kernel, bias in zip(kernels, biases, strict=True):
            small = torch.addmm(bias, rectified, kernel.mT)
            outputs.append(_repeated(small.view_as(x), layout))
        return tuple(outputs)

    @staticmethod
    def backward(ctx, *gradients):  # type: ignore[no-untyped-def]
        x, kernels = ctx.saved_tensors
        _, wants_x, wants_kernels, wants_biases = ctx.needs_input_grad
        small = [_flat(sum_of_squares(gradient, ctx.layout)) for gradient in gradients]
        to_x = to_kernels = to_biases = None
        if wants_x:
            to_x = aten.threshold_backward.default(_products(small, kernels).view_as(x), x, 0)
        if wants_kernels:
            to_kernels = _outer_products(small, _flat(x.relu()))
        if wants_biases:
            to_biases = torch.stack([gradient.sum(0) for gradient in small])
        return None, to_x, to_kernels, to_biases


class _AddBilinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, layout, x, kernels, *outputs):  # type: ignore[no-untyped-def]
        ctx.layout = layout
        ctx.save_for_backward(x, kernels)
        ctx.mark_dirty(*outputs)
        larger = _flat(_bilinear(x, layout).relu_())
        for output, kernel in zip(outputs, kernels, strict=True):
            _flat(output).addmm_(larger, kernel.mT)
        return outputs

    @staticmethod
    def backward(ctx, *gradients):  # type: ignore[no-untyped-def]
        x, kernels = ctx.saved_tensors
        _, wants_x, wants_kernels, *_ = ctx.needs_input_grad
        flat = [_flat(gradient) for gradient in gradients]
        larger, to_x, to_kernels = _bilinear(x, ctx.layout), None, None
        if wants_x:
            to_larger = _products(flat, kernels).view_as(larger)
            to_x = _bilinear_backward(aten.threshold_backward.default(to_larger, larger, 0), ctx.layout)
        if wants_kernels:
            to_kernels = _outer_products(flat, _flat(larger.relu_()))
        return None, to_x, to_kernels, *gradients


class _AddTransposed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, layout, x, depthwise, pointwise, *outputs):  # type: ignore[no-untyped-def]
        ctx.layout = layout
        ctx.save_for_backward(x, depthwise, pointwise)
        ctx.mark_dirty(*outputs)
        rectified = x.relu()
        for output, taps, kernel in zip(outputs, depthwise, pointwise, strict=True):
            _flat(output).addmm_(_flat(_transposed(rectified, taps, layout)), kernel.mT)
        return outputs

    @staticmethod
    def backward(ctx, *gradients):  # type: ignore[no-untyped-def]
        x, depthwise, pointwise = ctx.saved_tensors
        _, wants_x, wants_depthwise, wants_pointwise, *_ = ctx.needs_input_grad
        rectified = x.relu()
        flat = [_flat(gradient) for gradient in gradients]
        to_x = to_depthwise = to_pointwise = None
        if wants_pointwise:
            to_pointwise = torch.stack(
                [
                    g.mT @ _flat(_transposed(rectified, t, ctx.layout))
                    for g, t in zip(flat, depthwise, strict=True)
                ]
            )
        if wants_x or wants_depthwise:
            pairs = [
                _transposed_backward((g @ kernel).view_as(gradient), rectified, taps, ctx.layout)
                for g, gradient, kernel, taps in zip(flat, gradients, pointwise, depthwise, strict=True)
            ]
            to_x = aten.threshold_backward.default(sum(to_map for to_map, _ in pairs), x, 0)
            to_depthwise = torch.stack([to_taps for _, to_taps in pairs])
        return None, to_x, to_depthwise, to_pointwise, *gradients


def _flat(maps: Tensor) -> Float[Tensor, "m C"]:
    return maps.reshape(-1, maps.shape[-1])


def _products(gradients: Sequence[Tensor], kernels: Tensor) -> Float[Tensor, "m C"]:
    total = gradients[0] @ kernels[0]
    for gradient, kernel in zip(gradients[1:], kernels[1:], strict=True):
        total.addmm_(gradient, kernel)
    return total


def _outer_products(gradients: Sequence[Tensor], inputs: Float[Tensor, "m C"]) -> Float[Tensor, "E C C"]:
    return torch.stack([gradient.mT @ inputs for gradient in gradients])


def _doubled(x: Maps, layout: MemoryLayout) -> list[int]:
    return [size if axis in KEPT_AXES[layout] else 2 * size for axis, size in enumerate(x.shape)]


def _repeated(maps: Maps, layout: MemoryLayout) -> Maps:
    a, b, h, w = as_image(maps, layout).shape
    # Not a view: autograd lets nobody overwrite a view that a function returned.
    repeated = maps.new_empty(_doubled(maps, layout))
    repeated.view(a, h, 2, w, 2, b).copy_(maps.view(a, h, 1, w, 1, b))
    return repeated


def sum_of_squares(maps: Maps, layout: MemoryLayout, side: int = 2) -> Maps:
    """Sums over squares of pixels; Tensor.sum over the two axes takes 30 times longer on a CPU."""
    image = as_image(maps.contiguous(), layout)
    return from_image(F.avg_pool2d(image, side, divisor_override=1), maps.shape[-1], layout)


def _bilinear(x: Maps, layout: MemoryLayout) -> Maps:
    image = F.interpolate(as_image(x, layout), scale_factor=2, mode="bilinear", align_corners=False)
    return from_image(image, x.shape[-1], layout)


def _bilinear_backward(gradient: Maps, layout: MemoryLayout) -> Maps:
    image = as_image(gradient, layout)
    a, b, h, w = image.shape
    smaller = bilinear_adjoint(image, [a, b, h // 2, w // 2], 2.0, 2.0)
    return from_image(smaller, gradient.shape[-1], layout)


def bilinear_adjoint(gradient: Tensor, shape: Sequence[int], *scales: float) -> Float[Tensor, "a b h w"]:
    """Gradient of what was interpolated, of this shape; by products where every run shall give the same bits,
    as a GPU else adds in any order.
    """
    if not torch.are_deterministic_algorithms_enabled():
        return aten.upsample_bilinear2d_backward.default(gradient, gradient.shape[2:], shape, False, *scales)
    rows, columns = (
        _interpolation(small, large, gradient.dtype, gradient.device)
        for small, large in zip(shape[2:], gradient.shape[2:], strict=True)
    )
    return rows @ gradient @ columns.mT


@cache
def _interpolation(
    small: int, large: int, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "small large"]:
    """What each pixel of a line gives to each of the longer line."""
    lines = F.interpolate(torch.eye(small).unsqueeze(0), large, mode="linear", align_corners=False)
    return lines.squeeze(0).to(device, dtype, non_blocking=True)


def _transposed(x: Maps, taps: Float[Tensor, "C 1 3 3"], layout: MemoryLayout) -> Maps:
    image = as_image(x, layout)
    b = image.shape[1]
    repeated = taps.repeat(b // len(taps), 1, 1, 1)
    return from_image(F.conv_transpose2d(image, repeated, None, 2, 1, 1, groups=b), x.shape[-1], layout)


def _transposed_backward(
    gradient: Maps, x: Maps, taps: Float[Tensor, "C 1 3 3"], layout: MemoryLayout
) -> tuple[Maps, Float[Tensor, "C 1 3 3"]]:
    image, to_output = as_image(x, layout), as_image(gradient, layout)
    b = image.shape[1]
    repeated = taps.repeat(b // len(taps), 1, 1, 1)
    to_image, to_repeated, _ = aten.convolution_backward.default(
        to_output, image, repeated, None, [2, 2], [1, 1], [1, 1], True, [1, 1], b, [True, True, False]
    )
    return from_image(to_image, x.shape[-1], layout), to_repeated.view(-1, *taps.shape).sum(0)
