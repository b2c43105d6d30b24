"""Exponential moving average of parameters: what is evaluated, never what is trained."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


@torch.no_grad()
def update_ema(average: nn.Module, live: nn.Module, decay: float) -> None:
    """average <- decay * average + (1 - decay) * live, parameter by parameter."""
    torch._foreach_lerp_(list(average.parameters()), list(live.parameters()), 1 - decay)


@torch.no_grad()
def copy_buffers(target: nn.Module, source: nn.Module) -> None:
    """Take over running statistics: only parameters are averaged, as in the released code."""
    _copy(list(target.buffers()), list(source.buffers()))


@torch.no_grad()
def copy_parameters(target: nn.Module, source: nn.Module) -> None:
    """Set one module's parameters to another's."""
    _copy(list(target.parameters()), list(source.parameters()))


def _copy(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)
