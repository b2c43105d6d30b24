"""Layouts of feature maps in memory; channels are innermost in both.

Images [n, h, w, c] are PyTorch's channels_last. Planes [h, w, n, c] put the two axes that transforms act on
first; library functions see them as one image of n*c channels. Interpolation, pooling and depthwise
convolutions run up to ten times faster on a CPU when channels are innermost.

Shapes: n batch, c channels, h and w of maps; a images of b channels as library functions see them.
"""

import math
import threading
from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

MemoryLayout = Literal["images", "planes"]

KEPT_AXES = {"images": (0, 3), "planes": (2, 3)}
"""The axes of batch and channels."""

_FROM_NCHW = {"images": (0, 2, 3, 1), "planes": (2, 3, 0, 1)}
_TO_NCHW = {"images": (0, 3, 1, 2), "planes": (2, 3, 0, 1)}


def ordered(value: Float[Tensor, "n c h w"], layout: MemoryLayout) -> Float[Tensor, "_ _ _ c"]:
    """Contiguous maps in a layout; no copy where memory is in this layout already."""
    return value.permute(_FROM_NCHW[layout]).contiguous()


def as_nchw(maps: Float[Tensor, "_ _ _ c"], layout: MemoryLayout) -> Float[Tensor, "n c h w"]:
    """A view with the axes of PyTorch's layers."""
    return maps.permute(_TO_NCHW[layout])


def as_image(maps: Float[Tensor, "_ _ _ c"], layout: MemoryLayout) -> Float[Tensor, "a b h w"]:
    """A view for library functions that keep channels apart: channels_last in memory."""
    images = maps if layout == "images" else maps.flatten(2).unsqueeze(0)
    return images.permute(0, 3, 1, 2)


def from_image(
    image: Float[Tensor, "a b h w"], channels: int, layout: MemoryLayout
) -> Float[Tensor, "_ _ _ c"]:
    """Inverse of `as_image`."""
    image = image.contiguous(memory_format=torch.channels_last)
    if layout == "images":
        return image.permute(0, 2, 3, 1)
    return image.squeeze(0).permute(1, 2, 0).unflatten(2, (-1, channels))


class _Buffers(threading.local):
    def __init__(self) -> None:
        self.tensors: dict[tuple[str, torch.dtype, torch.device], Tensor] = {}


_BUFFERS = _Buffers()


def workspace(name: str, shape: Sequence[int], like: Tensor) -> Tensor:
    """An uninitialised contiguous tensor; its contents live until the same thread asks for the name again."""
    key, size = (name, like.dtype, like.device), math.prod(shape)
    buffer = _BUFFERS.tensors.get(key)
    if buffer is None or buffer.numel() < size:
        buffer = _BUFFERS.tensors[key] = torch.empty(size, dtype=like.dtype, device=like.device)
    return buffer[:size].view(tuple(shape))
