"""Adam for stacked parameters of which each step uses some rows: the others neither move nor decay.

A row keeps moments and a count of steps of its own, as if it were a parameter that gets no gradient in steps
that do not use it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

from trainers.options import AdamConfig

Rows = Mapping[nn.Parameter, Sequence[int]]
"""Rows of stacked parameters."""


class RowAdam(torch.optim.Optimizer):
    """torch.optim.Adam, row by row; `use` says which rows the next steps may move.

    Fused as the other optimizers are, and so skips a step that `found_inf` marks. Counts of steps are tensors
    beside the parameters, so that a step with the same rows can be captured.
    """

    def __init__(
        self, parameters: Sequence[nn.Parameter], stacked: Sequence[nn.Parameter], config: AdamConfig
    ):
        beta1, beta2 = config.betas
        options = {"lr": config.lr, "beta1": beta1, "beta2": beta2, "weight_decay": config.weight_decay}
        super().__init__(parameters, {**options, "fused": True})
        self._rows: Rows = {}
        self._idle: Collection[nn.Parameter] = ()
        self._stacked = set(stacked)
        for parameter in parameters:
            steps = len(parameter) if parameter in self._stacked else 1
            self.state[parameter] = {
                "step": torch.zeros(steps, dtype=torch.float32, device=parameter.device),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }

    def use(self, rows: Rows, idle: Collection[nn.Parameter] = ()) -> None:
        """Rows that the steps to come use; those of stacked parameters that are not named stand still.

        So do the idle parameters, which are whole ones.
        """
        self._rows, self._idle = rows, idle

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Move what is used."""
        for group in self.param_groups:
            parts = [part for parameter in group["params"] for part in self._parts(parameter)]
            if not parts:
                continue
            parameters, gradients, averages, squares, steps = map(list, zip(*parts, strict=True))
            adam(
                parameters, gradients, averages, squares, [], steps,
                foreach=False, capturable=steps[0].device.type != "cpu", differentiable=False, fused=True,
                grad_scale=None, found_inf=getattr(self, "found_inf", None), has_complex=False,
                decoupled_weight_decay=False, amsgrad=False, beta1=group["beta1"], beta2=group["beta2"],
                lr=group["lr"], weight_decay=group["weight_decay"], eps=1e-8, maximize=False,
            )  # fmt: skip

    def _parts(self, parameter: nn.Parameter) -> list[tuple[Tensor, ...]]:
        if parameter.grad is None or parameter in self._idle:
            return []
        state = self.state[parameter]
        tensors = (parameter, parameter.grad, state["exp_avg"], state["exp_avg_sq"])
        if parameter not in self._stacked:
            return [(*tensors, state["step"][0])]
        rows = self._rows.get(parameter, ())
        return [(*(tensor[row] for tensor in tensors), state["step"][row]) for row in rows]
