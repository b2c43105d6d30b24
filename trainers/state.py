"""The state of a search or a retraining: everything that changes, and so everything that a checkpoint
holds."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from search_space.stacked import StackedConvolution


class Stateful(Protocol):
    """A module, an optimizer, or what else has a state of tensors and plain values."""

    def state_dict(self) -> dict[str, Any]:
        """All of it."""

    def load_state_dict(self, state_dict: Any, /) -> Any:
        """Take it back."""


class TrainingState:
    """Named modules and optimizers and the number of steps done; restored exactly by its own state."""

    def __init__(self, parts: Mapping[str, Stateful], device: torch.device) -> None:
        self.step = 0
        self.device = device
        self._parts = dict(parts)

    def networks(self) -> list[nn.Module]:
        """All modules that it holds."""
        return [part for part in self._parts.values() if isinstance(part, nn.Module)]

    def state_dict(self) -> dict[str, Any]:
        """Tensors and numbers only: loadable with `weights_only=True`."""
        return {"step": self.step} | {name: part.state_dict() for name, part in self._parts.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state saved by a run of the same configuration.

        Raises:
            ValueError: the state is of other networks; nothing has been changed then.
        """
        self._check(state)
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
        self.step = int(state["step"])

    def _check(self, state: Mapping[str, Any]) -> None:
        missing = {"step", *self._parts} - set(state)
        if missing:
            raise ValueError(f"the checkpoint lacks {', '.join(sorted(missing))}")
        for name, part in self._parts.items():
            if isinstance(part, nn.Module):
                _check_shapes(name, expected=part.state_dict(), found=state[name])


def _check_shapes(part: str, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    for key in expected.keys() | found.keys():
        here, there = (tuple(tensors[key].shape) if key in tensors else None for tensors in (expected, found))
        if here != there:
            raise ValueError(
                f"{part}.{key} has shape {there} in the checkpoint and {here} in this configuration: "
                "use the configuration it was saved with"
            )


def initialise_as_released(generator: nn.Module, discriminator: nn.Module) -> None:
    """What the released scripts train from on a GPU.

    They move D there first. Its spectral norm then keeps the raw weights elsewhere, so xavier never reaches
    them: D's convolutions are what PyTorch makes them.
    """
    for stack in discriminator.modules():
        if isinstance(stack, StackedConvolution):
            for kernel in stack.weight.data:
                nn.init.kaiming_uniform_(kernel, a=math.sqrt(5))
    for norm in generator.modules():
        if isinstance(norm, nn.BatchNorm2d) and norm.affine:
            nn.init.normal_(norm.weight, 1.0, 0.02)


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
