"""Several convolutions of one rectified map into several sums, keeping only the map for the backward pass.

Shapes: maps are images [n, h, w, c] (channels_last), E edges, O and C channels out and in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from search_space.architecture import EdgeWeights
from search_space.backends.backend import Map, Operations, autocast_dtype
from search_space.backends.kernel_layout import KernelLayout, axis_taps
from search_space.backends.memory_layout import MemoryLayout, as_nchw, ordered
from search_space.backends.mixed_flow import MixedFlow
from search_space.backends.op_groups import ConvolutionGroup, group_ops, weighted_groups
from search_space.backends.upsampling import Maps
from search_space.stacked import taken
from search_space.topology import Primitive


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
    kernels: Sequence[Float[Tensor, "Eo c _ _"]],
    geometries: tuple[Geometry, ...],
    biases: Float[Tensor, "E o"],
    totals: Sequence[Float[Tensor, "n h2 w2 o"] | None],
    *,
    rectified: bool,
) -> tuple[Float[Tensor, "n h2 w2 o"], ...]:
    """Per edge: its total so far (overwritten) plus the convolutions of relu(x), or of x itself."""
    return _Convolutions.apply((geometries, rectified, len(totals)), x, biases, *totals, *kernels)


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
            to_x = torch.ops.aten.threshold_backward.default(to_x, x, 0)
        to_totals = (gradient if wants else None for gradient, wants in zip(gradients, others, strict=False))
        return None, to_x, to_biases, *to_totals, *to_kernels


def _convolve(image: Tensor, kernel: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    source = image[..., ::2, ::2] if geometry.even else image
    return F.conv2d(source, kernel, bias, geometry.stride, geometry.padding, geometry.dilation)


def _convolve_backward(
    gradient: Tensor, image: Tensor, kernel: Tensor, geometry: Geometry, wants: list[bool]
) -> tuple[Tensor | None, Tensor | None]:
    source = image[..., ::2, ::2] if geometry.even else image
    to_source, to_kernel, _ = torch.ops.aten.convolution_backward.default(
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


class DirectBackend:
    """A plan for the edges of one cell."""

    def __init__(self, operations: Operations) -> None:
        self._groups = group_ops(operations)

    def flow(self, x: Map, edge_weights: EdgeWeights | None) -> MixedFlow:  # noqa: ARG002
        """Begin a forward."""
        convolutions, upsampling = weighted_groups(self._groups, edge_weights)
        return MixedFlow(DirectConvolver(convolutions), convolutions, upsampling)


class DirectConvolver:
    """Convolves a node for all of its edges as soon as it is known."""

    layout: MemoryLayout = "images"

    def __init__(self, groups: Sequence[ConvolutionGroup]) -> None:
        self._groups = [group for group in groups if group.primitives]
        self._sums: dict[int, Maps] = {}
        self._mixed: dict[ConvolutionGroup, dict[int, Mixed]] = {}

    def push(self, node: int, maps: Maps) -> None:
        """Convolve a node."""
        for group in self._groups:
            if node in group.ops.sources:
                self._convolve(group, node, maps)

    def pull(self, node: int) -> Maps | None:
        """Sum of all convolutions into a node."""
        return self._sums.pop(node, None)

    def _convolve(self, group: ConvolutionGroup, node: int, maps: Maps) -> None:
        if group not in self._mixed:
            self._mixed[group] = _mix(group, maps.shape[1])
        mixed, targets = self._mixed[group][node], group.ops.targets(node)
        dtype = autocast_dtype(maps)
        sums = convolve_images(
            maps.to(dtype),
            [kernel.to(dtype) for kernel in mixed.kernels],
            mixed.geometries,
            mixed.biases.to(dtype),
            [self._sums.get(target) for target in targets],
            rectified=group.ops.kind != "image",
        )
        self._sums.update(zip(targets, sums, strict=True))


@dataclass(frozen=True)
class Mixed:
    """What convolves a node for its edges of a group."""

    geometries: tuple[Geometry, ...]
    kernels: tuple[Float[Tensor, "Eo c _ _"], ...]
    biases: Float[Tensor, "E o"]


def _mix(group: ConvolutionGroup, size: int) -> dict[int, Mixed]:
    sources, rows = group.ops.sources, tuple(group.ops.sources.values())
    geometries, kernels = [], []
    for part, spacing in parts(group.primitives, size):
        primitives = group.primitives[part]
        half = max(max(axis_taps(primitive)) for primitive in primitives) // spacing
        half = min(half, (size - 1) // spacing)
        layout = KernelLayout(tuple(spacing * tap for tap in range(-half, half + 1)))
        kernels.append(group.image_kernels(layout, part, rows))
        geometries.append(_geometry(group.ops.kind == "down", half, spacing))
    biases = group.biases()
    return {
        source: Mixed(tuple(geometries), tuple(of_source), taken(biases, some))
        for (source, some), *of_source in zip(sources.items(), *kernels, strict=True)
    }


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
