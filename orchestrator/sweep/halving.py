"""Tune's ASHA over evaluations, which goes on where an earlier driver left it.

Tune has no public way to put trials on the rungs of a scheduler: `_brackets`, `_rungs`, `_metric_op` and
`_trial_info` are private, used in this file alone, and `tests/contracts/test_private_parts.py` watches them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from orchestrator.sweep.config import AshaConfig, Objective
from orchestrator.sweep.trial import DONE, ENDS, EVALUATIONS, FAILED

Intermediate = Mapping[int, float]
"""Objective by number of evaluations."""


class Halving(AsyncHyperBandScheduler):
    """Tune's ASHA over evaluations; says whom it stops. Its rungs outlive the driver: see `remember`."""

    def __init__(self, config: AshaConfig, objective: Objective, total: int, stopped: Callable[[str], None]):
        super().__init__(
            time_attr=EVALUATIONS,
            metric=objective.metric,
            mode=objective.goal.removesuffix("imize"),
            # The last evaluation is no rung: who comes there is whole.
            max_t=total - 1,
            grace_period=config.grace,
            reduction_factor=config.reduction,
            stop_last_trials=False,
        )
        self._stopped = stopped

    def remember(self, trial_id: str, intermediate: Intermediate) -> None:
        """Put a trial on the rungs that it came to under an earlier driver."""
        (bracket,) = self._brackets
        assert self._metric_op is not None
        for rung, recorded in bracket._rungs:
            reached = [number for number in intermediate if number >= rung]
            if reached:
                recorded[trial_id] = self._metric_op * intermediate[min(reached)]

    def on_trial_result(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> str:
        """Whether it goes on; a trial's last message is no evaluation of its own."""
        if DONE in result or FAILED in result or ENDS in result:
            return str(TrialScheduler.CONTINUE)
        decision = super().on_trial_result(tune_controller, trial, result)
        if decision == TrialScheduler.STOP:
            self._stopped(trial.trial_id)
        return decision

    def on_trial_complete(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> None:  # noqa: ARG002
        """Nothing to learn: its evaluations have all been seen."""
        self._trial_info.pop(trial.trial_id, None)
