"""A trial as the study knows it, in our words: what tables, files and MLflow are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from orchestrator.sweep.objective import Objective
from orchestrator.sweep.space import Params
from orchestrator.sweep.study import PARAMS, REASON, SCORES, begun

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

State = Literal["running", "complete", "stopped", "failed"]

STATES: Mapping[str, State] = {
    "RUNNING": "running",
    "COMPLETE": "complete",
    "PRUNED": "stopped",
    "FAIL": "failed",
}
"""Optuna's states -> ours; `stopped` is early, by ASHA."""


@dataclass(frozen=True)
class Row:
    """One trial."""

    number: int
    params: Params
    state: State
    values: tuple[float, ...] | None
    """By objective: of a whole trial, or what a stopped one had come to."""
    runs: Sequence[Mapping[str, float]]
    """Scores of each seed, of a whole trial."""
    evaluations: int
    """That it has come to, if the objective is one."""
    newest: float | None
    """The objective after them."""
    reason: str | None
    """Why it failed."""
    began: datetime | None
    ended: datetime | None

    @classmethod
    def of(cls, trial: "FrozenTrial") -> "Row":
        """The trial as it stands in the study."""
        last = max(trial.intermediate_values, default=0)
        return cls(
            number=trial.number,
            params=trial.user_attrs.get(PARAMS, {}),
            state=STATES[trial.state.name],
            values=tuple(trial.values) if trial.values is not None else None,
            runs=trial.user_attrs.get(SCORES, ()),
            evaluations=last,
            newest=trial.intermediate_values.get(last),
            reason=trial.user_attrs.get(REASON),
            began=trial.datetime_start,
            ended=trial.datetime_complete,
        )


def rows_of(study: "Study") -> list[Row]:
    """All trials that were begun, in their order."""
    return [Row.of(trial) for trial in begun(study)]


def best(rows: Sequence[Row], objective: Objective) -> Row | None:
    """The whole trial with the best value of one objective."""
    whole = [row for row in rows if row.state == "complete" and row.values]
    sign = 1 if objective.goal == "minimize" else -1
    return min(whole, key=lambda row: sign * row.values[0], default=None)  # type: ignore[index]


def pareto_front(rows: Sequence[Row], objectives: Sequence[Objective]) -> list[Row]:
    """Whole trials that no other beats in one objective without losing in another."""
    signs = [1 if each.goal == "minimize" else -1 for each in objectives]
    whole = {
        row.number: [sign * value for sign, value in zip(signs, row.values, strict=True)]
        for row in rows
        if row.state == "complete" and row.values
    }

    def is_beaten(costs: Sequence[float]) -> bool:
        return any(
            other != costs and all(a <= b for a, b in zip(other, costs, strict=True))
            for other in whole.values()
        )

    return [row for row in rows if row.number in whole and not is_beaten(whole[row.number])]
