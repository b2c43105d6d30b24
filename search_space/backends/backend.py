"""The interface of a backend.

A backend is planned once for a cell's fillings; every forward asks it for a flow. The cell hands the flow
each finished node (`push`) and asks it for the sum of a node's incoming edges (`pull`).
"""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from search_space.architecture import EdgeWeights
from search_space.stacked import Filling, StackedConvolution, StackedTransposed
from search_space.topology import SkipIn

Operation = StackedConvolution | StackedTransposed
Operations = Mapping[Filling, Operation | None]
"""Parameters of every filling of a cell, in order; None where a primitive has none."""

Map = Float[Tensor, "n c h w"]


class Flow(Protocol):
    """Carries node values along the edges of one cell during one forward."""

    def push(self, node: int, value: Map) -> None:
        """Send a node's final value along its outgoing edges."""

    def push_skip(self, node: int, skip_in: SkipIn, skip: Map, convolution: nn.Conv2d) -> None:
        """Send a skip from an earlier cell into a node; to be called right before it arrives."""

    def pull(self, node: int) -> Map:
        """Sum of the incoming edges of a node."""


class Backend(Protocol):
    """A plan for the edges of one cell."""

    def flow(self, x: Map, edge_weights: EdgeWeights | None) -> Flow:
        """Begin a forward on an input like x. In training mode this makes a power iteration per norm."""


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
