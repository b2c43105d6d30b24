"""One guarded step: gradients of exactly one group of parameters, averaged, checked, applied."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, get_args
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from trainers.distributed import average, rank
from trainers.options import AdamConfig

Phase = Literal["beta", "discriminator", "alpha", "generator"]
PHASES: tuple[Phase, ...] = get_args(Phase)
"""The updates of a step, in their order; each is named after what it steps."""


class NonFiniteLoss(Exception):
    """A loss became NaN or infinite; nothing was stepped with it. Says phase, step and rank."""


class Adam(torch.optim.Adam):
    """Whether a step can be captured is the device's affair, wherever a checkpoint comes from."""

    def load_state_dict(self, state_dict: Any) -> None:
        """Take over moments and rates."""
        capturable = [group["capturable"] for group in self.param_groups]
        super().load_state_dict(state_dict)
        for group, own in zip(self.param_groups, capturable, strict=True):
            group["capturable"] = own


def adam(parameters: Sequence[nn.Parameter], config: AdamConfig) -> torch.optim.Adam:
    """The optimizer of one group; fused, so that one kernel steps all of it, and can be captured on a GPU."""
    return Adam(
        parameters,
        lr=config.lr,
        betas=config.betas,
        weight_decay=config.weight_decay,
        fused=True,
        capturable=any(parameter.device.type != "cpu" for parameter in parameters),
    )


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Within it, the modules' parameters need no gradients: their backward computes none of them."""
    parameters = [p for module in modules for p in _parameters(module) if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


_PARAMETERS: WeakKeyDictionary[nn.Module, tuple[nn.Parameter, ...]] = WeakKeyDictionary()


def _parameters(module: nn.Module) -> tuple[nn.Parameter, ...]:
    """Walking through a network in every phase takes longer than its optimizer's step."""
    if module not in _PARAMETERS:
        _PARAMETERS[module] = tuple(module.parameters())
    return _PARAMETERS[module]


class GuardedStep:
    """Steps optimizers and refuses to do so with a loss that is not finite on any worker.

    Immediate (CPU): raises before the optimizer step. Deferred (GPU): nothing waits for the device; the
    fused optimizer skips this step and all later ones by itself (`found_inf`) until `check` raises.
    """

    def __init__(self, device: torch.device, *, deferred: bool | None = None) -> None:
        self._deferred = device.type != "cpu" if deferred is None else deferred
        self._tripped = torch.zeros((), dtype=torch.float32, device=device)
        self._first = torch.full((), -1, dtype=torch.int64, device=device)

    def __call__(
        self,
        loss: Tensor,
        optimizer: torch.optim.Optimizer,
        phase: Phase,
        step: int | Tensor,
        clip_norm: float | None = None,
    ) -> None:
        """Descend the loss in the optimizer's own parameters; the step is a tensor where it is captured.

        Raises:
            NonFiniteLoss: in immediate mode, before anything is stepped.
        """
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        found = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
        gradients = [_laid_out(gradient, like) for gradient, like in zip(found, parameters, strict=True)]
        self._watch(loss.detach(), PHASES.index(phase), step)
        average([*gradients, self._tripped])
        self._tripped.ceil_()  # a share of the workers counts as all: the fused optimizer skips at exactly 1
        if self._deferred:
            optimizer.found_inf = self._tripped  # type: ignore[attr-defined]
        else:
            self.check()
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        if clip_norm is not None:
            # Averaged before the clip: ranks must clip by the same norm.
            nn.utils.clip_grad_norm_(parameters, clip_norm, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def _watch(self, loss: Tensor, phase: int, step: int | Tensor) -> None:
        bad = ~torch.isfinite(loss)
        self._first.copy_(torch.where((self._first < 0) & bad, step * len(PHASES) + phase, self._first))
        self._tripped.copy_(torch.maximum(self._tripped, bad.to(torch.float32)))

    def check(self) -> None:
        """Wait for the device and raise if a loss was not finite, on this worker or another.

        Raises:
            NonFiniteLoss: with the first phase and step at which it happened here.
        """
        if not float(self._tripped):
            return
        if (code := int(self._first)) < 0:
            raise NonFiniteLoss("a loss is not finite on another rank")
        step, phase = divmod(code, len(PHASES))
        raise NonFiniteLoss(
            f"the loss of the {PHASES[phase]} update is not finite at step {step + 1} on rank {rank()}; "
            "the last checkpoint is kept: lower the learning rates or clip gradients"
        )


def _laid_out(gradient: Tensor, like: Tensor) -> Tensor:
    """The fused optimizer walks through memory: a gradient must lie there as its parameter does."""
    return gradient if gradient.stride() == like.stride() else torch.empty_like(like).copy_(gradient)
