"""The places of the taps of an edge's convolutions, and where mixing puts them.

All convolutions of an edge read the same map with the same stride and centre, so their weighted sum is one
convolution by the sum of their kernels, each laid out at its own taps. Taps that see nothing but padding on a
map as small as the one at hand are left out.

Shapes: T taps of a layout, K all taps of the primitives one after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from search_space.topology import Primitive


@dataclass(frozen=True)
class KernelLayout:
    """The taps of a mixed kernel, the same along both axes."""

    offsets: tuple[int, ...]
    """Pixels from the centre; of a folded layout, pixels of the folded map."""
    folded: bool = False
    """A stride of 2 seen as one of 1 on 2x2 squares, whose pixels are four channels: T counts them too."""

    @property
    def taps(self) -> int:
        """T."""
        return len(self.offsets) ** 2 * (4 if self.folded else 1)


def axis_taps(primitive: Primitive) -> tuple[int, ...]:
    """Offsets of a convolution's taps from its centre."""
    half = primitive.kernel // 2
    return tuple(primitive.dilation * tap for tap in range(-half, half + 1))


def kernel_layout_of(primitives: Sequence[Primitive], size: int, *, folded: bool = False) -> KernelLayout:
    """All taps of some convolutions that a map of this size (before folding) can see."""
    offsets = {tap for primitive in primitives for tap in axis_taps(primitive)}
    if folded:
        offsets, size = {offset // 2 for offset in offsets}, size // 2
    return KernelLayout(tuple(sorted(offset for offset in offsets if abs(offset) < size)), folded)


@cache
def selection(
    primitives: Sequence[Primitive], layout: KernelLayout, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "T K"]:
    """Ones where a primitive's tap lands in the layout; taps that land nowhere see only padding."""
    columns = []
    for primitive in primitives:
        axis = torch.zeros(len(layout.offsets), 2 if layout.folded else 1, primitive.kernel)
        for position, tap in enumerate(axis_taps(primitive)):
            offset, phase = divmod(tap, 2) if layout.folded else (tap, 0)
            if offset in layout.offsets:
                axis[layout.offsets.index(offset), phase, position] = 1
        columns.append(torch.einsum("apk,bql->abpqkl", axis, axis).reshape(layout.taps, -1))
    return torch.cat(columns, 1).to(device, dtype, non_blocking=True)
