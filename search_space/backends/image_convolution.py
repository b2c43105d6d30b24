"""Several convolutions of one rectified map into several sums, keeping only the map for the backward pass.

Shapes: maps are images [n, h, w, c] (channels_last), E edges, O and C channels out and in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from search_space.backends.memory_layout import as_nchw, ordered


@dataclass(frozen=True)
class Geometry:
    """How a square kernel is laid over a map."""

    stride: int = 1
    padding: int = 0
    dilation: int = 1
    even: bool = False
    """Read even pixels only: what a dilated convolution of stride 2 does, without its dilation."""


def convolve_images(
    x: Float[Tensor, "n h w c"],
    kernels: Sequence[tuple[Float[Tensor, "E o c _ _"], Geometry]],
    biases: Float[Tensor, "E o"],
    totals: Sequence[Float[Tensor, "n h2 w2 o"] | None],
    *,
    rectified: bool,
) -> tuple[Float[Tensor, "n h2 w2 o"], ...]:
    """Per edge: its total so far (overwritten) plus the convolutions of relu(x), or of x itself."""
    geometries = tuple(geometry for _, geometry in kernels)
    flat = [kernel.flatten(0, 1).contiguous(memory_format=torch.channels_last) for kernel, _ in kernels]
    return _Convolutions.apply((geometries, rectified, len(totals)), x, biases, *totals, *flat)


class _Convolutions(torch.autograd.Function):
    @staticmethod
    def forward(ctx, plan, x, biases, *tensors):  # type: ignore[no-untyped-def]
        geometries, rectified, edges = ctx.plan = plan
        totals, kernels = tensors[:edges], tensors[edges:]
        ctx.save_for_backward(x, *kernels)
        image = as_nchw(x.relu() if rectified else x, "images")
        joined = _convolve(image, kernels[0], biases.flatten(), geometries[0])
        for geometry, kernel in zip(geometries[1:], kernels[1:], strict=True):
            joined += _convolve(image, kernel, None, geometry)
        outputs = ordered(joined, "images").unflatten(3, (edges, -1)).unbind(3)
        ctx.mark_dirty(*(total for total in totals if total is not None))
        return tuple(
            output.clone(memory_format=torch.contiguous_format) if total is None else total.add_(output)
            for total, output in zip(totals, outputs, strict=True)
        )

    @staticmethod
    def backward(ctx, *gradients):  # type: ignore[no-untyped-def]
        geometries, rectified, edges = ctx.plan
        x, *kernels = ctx.saved_tensors
        _, wants_x, wants_biases, *others = ctx.needs_input_grad
        image = as_nchw(x.relu() if rectified else x, "images")
        joined = as_nchw(torch.cat(gradients, 3), "images")
        to_image, to_kernels, to_biases = None, [], None
        for geometry, kernel, wants in zip(geometries, kernels, others[edges:], strict=True):
            to_source, to_kernel = _convolve_backward(joined, image, kernel, geometry, [wants_x, wants])
            to_kernels.append(to_kernel)
            if to_source is not None:
                to_image = _accumulate(to_image, to_source, geometry, image)
        if wants_biases:
            to_biases = joined.sum((0, 2, 3)).view(edges, -1)
        to_x = None if to_image is None else ordered(to_image, "images")
        if wants_x and rectified:
            to_x = torch.ops.aten.threshold_backward(to_x, x, 0)
        to_totals = (gradient if wants else None for gradient, wants in zip(gradients, others, strict=False))
        return None, to_x, to_biases, *to_totals, *to_kernels


def _convolve(image: Tensor, kernel: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    source = image[..., ::2, ::2] if geometry.even else image
    return F.conv2d(source, kernel, bias, geometry.stride, geometry.padding, geometry.dilation)


def _convolve_backward(
    gradient: Tensor, image: Tensor, kernel: Tensor, geometry: Geometry, wants: list[bool]
) -> tuple[Tensor | None, Tensor | None]:
    source = image[..., ::2, ::2] if geometry.even else image
    to_source, to_kernel, _ = torch.ops.aten.convolution_backward(
        gradient, source, kernel, None, [geometry.stride] * 2, [geometry.padding] * 2,
        [geometry.dilation] * 2, False, [0, 0], 1, [*wants, False],
    )  # fmt: skip
    return to_source, to_kernel


def _accumulate(total: Tensor | None, part: Tensor, geometry: Geometry, image: Tensor) -> Tensor:
    if not geometry.even:
        return part if total is None else total.add_(part)
    if total is None:
        total = torch.zeros_like(image)
    total[..., ::2, ::2] += part
    return total
