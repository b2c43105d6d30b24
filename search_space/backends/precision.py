"""Autocast and our autograd functions: which of them follow it, and which compute in full precision."""

from typing import Any

import torch
from torch import Tensor


def in_full_precision(function: type[torch.autograd.Function], *inputs: Any) -> Any:
    """Apply a function outside autocast; where autocast is on, its lower-precision inputs become float32."""
    device_type = next(tensor.device.type for tensor in inputs if isinstance(tensor, Tensor))
    if not torch.is_autocast_enabled(device_type):
        return function.apply(*inputs)
    with torch.autocast(device_type, enabled=False):
        return function.apply(*(_widened(value) for value in inputs))


def _widened(value: Any) -> Any:
    if isinstance(value, Tensor) and value.dtype in (torch.bfloat16, torch.float16):
        return value.float()
    return value


def autocast_dtype(tensor: Tensor) -> torch.dtype:
    """The type in which a convolution of this tensor is to be computed."""
    device_type = tensor.device.type
    if torch.is_autocast_enabled(device_type) and tensor.dtype != torch.float64:
        return torch.get_autocast_dtype(device_type)
    return tensor.dtype
