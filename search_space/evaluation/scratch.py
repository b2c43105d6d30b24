"""Working memory that outlives its use: the same buffer serves every cell, forward and backward.

Large allocations are mapped afresh by glibc each time (above 32 MB always), and touching a new page costs
more than computing what is written to it.
"""

import math
import threading
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

_BUFFERS = threading.local()


def scratch(name: str, shape: Sequence[int], like: Tensor) -> Tensor:
    """An uninitialised contiguous tensor; its contents live until the same thread asks for the name again."""
    buffers: dict[Any, Tensor] = _BUFFERS.__dict__
    key, size = (name, like.dtype, like.device), math.prod(shape)
    if key not in buffers or buffers[key].numel() < size:
        buffers[key] = torch.empty(size, dtype=like.dtype, device=like.device)
    return buffers[key][:size].view(tuple(shape))
