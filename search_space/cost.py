"""The cost of a derived network: parameters, multiply-adds, seconds.

Shapes: N images or latents.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from search_space.networks.cell import use_backend

COUNTED = (torch.ops.aten.convolution, torch.ops.aten.addmm, torch.ops.aten.mm)
"""Convolutions and linear layers. Batched products are spectral norms: a finished network needs none."""

REPEATS = 7
"""Forward passes of which the median is told."""


@dataclass(frozen=True)
class Cost:
    """The cost of one image."""

    parameters: int
    multiply_adds: int
    """Products in convolutions and linear layers, each counted together with its addition as one, primitive
    by primitive. Resizing, pooling, sums of edges, norms and activations are not counted."""
    seconds: float
    """Median forward pass of one image on this machine's processor, with as many threads as torch has."""


def cost(network: nn.Module, inputs: Float[Tensor, "1 ..."]) -> Cost:
    """Cost of a derived network in evaluation mode; `inputs` is one latent of G, or one image of D."""
    with torch.no_grad():
        return Cost(parameters(network), multiply_adds(network, inputs), median(_seconds(network, inputs)))


def parameters(network: nn.Module) -> int:
    """Numbers that are trained."""
    return sum(parameter.numel() for parameter in network.parameters())


def multiply_adds(network: nn.Module, inputs: Float[Tensor, "n ..."]) -> int:
    """Products of one forward pass, op by op as the primitives are defined."""
    use_backend(network, "op_by_op")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(inputs)
    use_backend(network, "direct")
    operations = counter.get_flop_counts()["Global"]
    # A "flop" there is a multiplication or an addition.
    return sum(operations.get(kind, 0) for kind in COUNTED) // 2


def _seconds(network: nn.Module, inputs: Tensor) -> Iterator[float]:
    network(inputs)
    for _ in range(REPEATS):
        started = time.perf_counter()
        network(inputs)
        yield time.perf_counter() - started
