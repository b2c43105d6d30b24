"""Working memory that outlives its use: the same buffer serves every cell, forward and backward.

Large allocations are mapped afresh by glibc each time (above 32 MB always), and touching a new page costs
more than computing what is written to it.
"""

import math
import threading
from collections.abc import Sequence

import torch
from torch import Tensor


class _Buffers(threading.local):
    def __init__(self) -> None:
        self.held: dict[tuple[str, torch.dtype, torch.device], Tensor] = {}


_BUFFERS = _Buffers()


def scratch(name: str, shape: Sequence[int], like: Tensor) -> Tensor:
    """An uninitialised contiguous tensor; its contents live until the same thread asks for the name again."""
    key, size = (name, like.dtype, like.device), math.prod(shape)
    buffer = _BUFFERS.held.get(key)
    if buffer is None or buffer.numel() < size:
        buffer = _BUFFERS.held[key] = torch.empty(size, dtype=like.dtype, device=like.device)
    return buffer[:size].view(tuple(shape))
