"""Mixing kernels: the convolutions of an edge become one, by one matrix product for all primitives.

K = sum_p (w_p / sigma_p) S_p W_p, where S_p lays the taps of primitive p out in the mixed kernel and sigma_p
is the largest singular value of a spectrally normalised W_p: W_p / sigma_p is never built. Nothing is stored
for the backward pass but the parameters themselves. Their taps are joined for each product: one for each
primitive, of 1 to 25 columns, takes up to four times as long on a CPU.

Shapes: E edges, P primitives, O and I output and input channels, k taps of a primitive,
T taps of the mixed kernel, K taps of all primitives one after the other.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from search_space.backends.backend import in_full_precision
from search_space.backends.kernel_layout import KernelLayout, selection
from search_space.stacked import SpectralNorm, StackedConvolution, taken
from search_space.topology import Primitive

Rows = tuple[tuple[int, ...], ...]
"""Every edge of a group once, in parts."""


def mix(
    primitives: Sequence[Primitive],
    convolutions: Sequence[StackedConvolution],
    norms: Sequence[SpectralNorm | None],
    weights: Float[Tensor, "E P"] | None,
    layout: KernelLayout,
) -> Float[Tensor, "E T O I"]:
    """One kernel an edge; taps come first, as transforms of kernels want them."""
    return in_full_precision(_Mix, *_inputs(primitives, convolutions, norms, weights, layout))


def mix_images(
    primitives: Sequence[Primitive],
    convolutions: Sequence[StackedConvolution],
    norms: Sequence[SpectralNorm | None],
    weights: Float[Tensor, "E P"] | None,
    layout: KernelLayout,
    rows: Rows,
) -> tuple[Float[Tensor, "_ I t t"], ...]:
    """The same as kernels of F.conv2d in channels_last: for each part of the rows, its edges' outputs."""
    return in_full_precision(_MixImages, rows, *_inputs(primitives, convolutions, norms, weights, layout))


def _inputs(
    primitives: Sequence[Primitive],
    convolutions: Sequence[StackedConvolution],
    norms: Sequence[SpectralNorm | None],
    weights: Tensor | None,
    layout: KernelLayout,
) -> tuple[Any, ...]:
    kernels = [convolution.weight for convolution in convolutions]
    taps = selection(tuple(primitives), layout, kernels[0].dtype, kernels[0].device)
    return taps, [norm for norm in norms if norm is not None], weights, *kernels


def mix_biases(
    convolutions: Sequence[StackedConvolution], weights: Float[Tensor, "E P"] | None
) -> Float[Tensor, "E O"]:
    """One bias an edge."""
    biases: list[Tensor] = [convolution.bias for convolution in convolutions if convolution.bias is not None]
    if weights is None:
        return sum(biases[1:], start=biases[0])
    return (weights.unsqueeze(2) * torch.stack(biases, 1)).sum(1)


class _Mix(torch.autograd.Function):
    """Kernels of several primitives [E, O, I, k, k] to one [E, T, O, I]."""

    @staticmethod
    def forward(ctx, taps, spectral, weights, *kernels):  # type: ignore[no-untyped-def]
        return _forward(ctx, taps, spectral, weights, kernels)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        return _backward(ctx, gradient, ctx.needs_input_grad[2:])


class _MixImages(torch.autograd.Function):
    """The same in parts, laid out for F.conv2d within the function: autograd keeps no account of it."""

    @staticmethod
    def forward(ctx, rows, taps, spectral, weights, *kernels):  # type: ignore[no-untyped-def]
        ctx.rows = rows
        mixed = _forward(ctx, taps, spectral, weights, kernels)
        side, inputs = math.isqrt(len(taps)), mixed.shape[3]
        return tuple(
            taken(mixed, part).transpose(1, 2).reshape(-1, side, side, inputs).permute(0, 3, 1, 2)
            for part in rows
        )

    @staticmethod
    def backward(ctx, *gradients):  # type: ignore[no-untyped-def]
        _, inputs, side, _ = gradients[0].shape
        parts = [
            gradient.permute(0, 2, 3, 1).reshape(len(part), -1, side * side, inputs).transpose(1, 2)
            for part, gradient in zip(ctx.rows, gradients, strict=True)
        ]
        joined = taken(torch.cat(parts), _places(ctx.rows))
        return None, *_backward(ctx, joined, ctx.needs_input_grad[3:])


@cache
def _places(rows: Rows) -> tuple[int, ...]:
    """Where each edge is, after the parts have been joined."""
    order = [row for part in rows for row in part]
    return tuple(order.index(row) for row in range(len(order)))


def _forward(ctx, taps, spectral, weights, kernels):  # type: ignore[no-untyped-def]
    ctx.spectral = spectral
    ctx.save_for_backward(taps, weights, *kernels)
    edges, outputs, inputs, *_ = kernels[0].shape
    placed = _placed(taps, _scales(weights, spectral), kernels)
    return torch.bmm(placed, _joined(kernels).mT).view(edges, -1, outputs, inputs)


def _backward(ctx, gradient, wanted):  # type: ignore[no-untyped-def]
    taps, weights, *kernels = ctx.saved_tensors
    wants_weights, *wants_kernels = wanted
    gradient, scales = gradient.flatten(2), _scales(weights, ctx.spectral)
    to_weights: Tensor | None = None
    to_kernels: list[Tensor] = []
    if any(wants_kernels):
        to_joined = torch.bmm(gradient.mT, _placed(taps, scales, kernels))
        to_kernels = [
            part.contiguous().view(kernel.shape)
            for part, kernel in zip(to_joined.split(_widths(kernels), -1), kernels, strict=True)
        ]
    if wants_weights or (ctx.spectral and any(wants_kernels)):
        to_weights = to_scales = _scale_gradients(gradient, taps, kernels)
        if ctx.spectral:
            to_weights = to_scales / _sigmas(ctx.spectral)
            assert scales is not None
            _add_through_sigma(to_kernels, to_weights * scales, ctx.spectral)
    to_weights = to_weights if wants_weights else None
    return None, None, to_weights, *(to_kernels or (None for _ in kernels))


def _sigmas(spectral: Sequence[SpectralNorm]) -> Float[Tensor, "E P"]:
    return torch.stack([norm.sigma for norm in spectral], 1)


def _scales(weights: Tensor | None, spectral: Sequence[SpectralNorm]) -> Float[Tensor, "E P"] | None:
    """The factor of each kernel; None means ones."""
    if not spectral:
        return weights
    sigmas = _sigmas(spectral)
    return sigmas.reciprocal() if weights is None else weights / sigmas


def _placed(
    taps: Float[Tensor, "T K"], scales: Float[Tensor, "E P"] | None, kernels: Sequence[Tensor]
) -> Float[Tensor, "E T K"]:
    """S_p of every primitive, times its scale on every edge."""
    if scales is None:
        return taps.expand(len(kernels[0]), -1, -1)
    return taps * (scales @ _owners(_widths(kernels), taps.dtype, taps.device)).unsqueeze(1)


def _scale_gradients(
    gradient: Float[Tensor, "E T OI"], taps: Float[Tensor, "T K"], kernels: Sequence[Tensor]
) -> Float[Tensor, "E P"]:
    """<S_p W_p, gradient>, without laying any kernel out."""
    per_tap = (torch.bmm(gradient, _joined(kernels)) * taps).sum(1)
    return per_tap @ _owners(_widths(kernels), taps.dtype, taps.device).mT


def _add_through_sigma(
    gradients: Sequence[Tensor], coefficients: Float[Tensor, "E P"], spectral: Sequence[SpectralNorm]
) -> None:
    """The gradients that kernels get through their norms (none, if they get no gradients).

    d sigma / d W = u v^T, d scale / d sigma = -scale / sigma.
    """
    for gradient, coefficient, norm in zip(gradients, coefficients.neg().unbind(1), spectral, strict=False):
        u = norm.u * coefficient.unsqueeze(1)
        gradient.flatten(2).baddbmm_(u.unsqueeze(2), norm.v.unsqueeze(1))


def _joined(kernels: Sequence[Tensor]) -> Float[Tensor, "E OI K"]:
    edges, outputs, inputs, *_ = kernels[0].shape
    matrices = [kernel.view(edges, outputs * inputs, -1) for kernel in kernels]
    return torch.cat(matrices, -1) if len(matrices) > 1 else matrices[0]


def _widths(kernels: Sequence[Tensor]) -> tuple[int, ...]:
    return tuple(kernel.shape[-1] ** 2 for kernel in kernels)


@cache
def _owners(widths: Sequence[int], dtype: torch.dtype, device: torch.device) -> Float[Tensor, "P K"]:
    """Ones where a tap belongs to a primitive."""
    return torch.block_diag(*(torch.ones(1, width) for width in widths)).to(device, dtype, non_blocking=True)
