"""The trials of a sweep as values, from which tables, files and MLflow runs are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from orchestrator.artifacts.resolve import SWEEP_TABLE
from orchestrator.jobs.scores import best_of, deviation
from orchestrator.sweep.config import Objective, Sweep
from orchestrator.sweep.run_folder import RunFolder, params_hash, seed_folder, trial_folder
from orchestrator.sweep.space import Axis, Params, modern_params
from orchestrator.sweep.study import PARAMS, REASON, SCORES, begun
from orchestrator.yardstick.known import known_reliability
from trainers.files import written_whole

if TYPE_CHECKING:
    import pandas
    import pyarrow
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
    """Values by objective: final ones of a complete trial, the newest ones of a stopped trial."""
    runs: Sequence[Mapping[str, float]]
    """Scores of each seed, of a complete trial."""
    evaluations: int
    """Number of evaluations that the trial has reached, if there is one objective."""
    newest: float | None
    """The objective after them."""
    reason: str | None
    """Why it failed."""
    began: datetime | None
    ended: datetime | None

    @classmethod
    def of(cls, trial: "FrozenTrial") -> "Row":
        """The trial as the study records it."""
        last = max(trial.intermediate_values, default=0)
        return cls(
            number=trial.number,
            params=modern_params(trial.user_attrs.get(PARAMS, {})),
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
    """The complete trial with the best value of one objective."""
    complete = [(row, row.values[0]) for row in rows if row.state == "complete" and row.values]
    found = best_of(complete, lambda each: each[1], objective.goal == "minimize")
    return found[0] if found else None


def pareto_front(rows: Sequence[Row], objectives: Sequence[Objective]) -> list[Row]:
    """Complete trials that no other beats in one objective without losing in another."""
    import optuna

    complete = [row for row in rows if row.state == "complete" and row.values]
    study = optuna.create_study(directions=[each.goal for each in objectives])
    study.add_trials([optuna.trial.create_trial(values=row.values) for row in complete])
    front = {trial.number for trial in study.best_trials}
    return [row for number, row in enumerate(complete) if number in front]


def limit_of(sweep: Sweep, rows: Sequence[Row]) -> str | None:
    """What differences the seeds cannot show, where the best trial's recipe has a reliability run."""
    winner = best(rows, sweep.single)
    if winner is None:
        return None
    known = known_reliability(sweep.experiment(winner.params, 0), sweep.single.metric)
    return known.quoted(sweep.config.seeds) if known else None


def load_results(name: str, root: str | Path = "runs") -> "pandas.DataFrame":
    """The trials of the sweep of that name.

    Columns: trial, config (names its folder), state (running, complete, stopped by ASHA, failed), reason,
    began, ended, evaluations; a column for each parameter; for each objective its value, and of every metric
    <metric>_mean, <metric>_deviation and <metric>_by_seed (a list); genotype_by_seed, seconds_by_seed.
    """
    import pyarrow.parquet

    return pyarrow.parquet.read_table(Path(root) / name / SWEEP_TABLE).to_pandas()


def write_results(sweep: Sweep, rows: Sequence[Row], folder: Path) -> Path:
    """Write the file anew, whole."""
    import pyarrow.parquet

    with written_whole(folder / SWEEP_TABLE) as file:
        pyarrow.parquet.write_table(table_of(sweep, rows, folder), file)
    return folder / SWEEP_TABLE


def table_of(sweep: Sweep, rows: Sequence[Row], folder: Path) -> "pyarrow.Table":
    """The rows as columns; a parameter that does not apply, or a score that is not there, is null."""
    import pyarrow

    columns = _columns(sweep)
    records = [_record(sweep, row, folder) for row in rows]
    arrays = {
        name: pyarrow.array([record.get(name) for record in records], kind) for name, kind in columns.items()
    }
    return pyarrow.table(arrays)


def _columns(sweep: Sweep) -> Mapping[str, "pyarrow.DataType"]:
    import pyarrow as pa

    time, number = pa.timestamp("ms"), pa.float64()
    columns = {"trial": pa.int64(), "config": pa.string(), "state": pa.string(), "reason": pa.string()}
    columns |= {"began": time, "ended": time, "evaluations": pa.int64()}
    columns |= {name: _kind(axis) for name, axis in sweep.config.space.items()}
    for objective in sweep.config.objective:
        metric = objective.metric
        columns |= {metric: number, f"{metric}_mean": number, f"{metric}_deviation": number}
        columns[f"{metric}_by_seed"] = pa.list_(number)
    return columns | {"genotype_by_seed": pa.list_(pa.string()), "seconds_by_seed": pa.list_(number)}


def _kind(axis: Axis) -> "pyarrow.DataType":
    import pyarrow

    if axis.categorical:
        return pyarrow.infer_type(list(axis.categorical))
    return pyarrow.int64() if axis.int else pyarrow.float64()


def _record(sweep: Sweep, row: Row, folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = {
        "trial": row.number,
        "config": params_hash(row.params),
        "state": row.state,
        "reason": row.reason,
        "began": row.began,
        "ended": row.ended,
        "evaluations": row.evaluations,
        **row.params,
    }
    for position, objective in enumerate(sweep.config.objective):
        metric, scores = objective.metric, [run[objective.metric] for run in row.runs]
        record[metric] = row.values[position] if row.values else None
        if scores:
            record[f"{metric}_mean"] = sum(scores) / len(scores)
            record[f"{metric}_deviation"] = deviation(scores) or 0.0
            record[f"{metric}_by_seed"] = scores
    seeds = range(sweep.config.seeds)
    trial = trial_folder(folder, row.params)
    results = [RunFolder(seed_folder(trial, seed)).result() for seed in seeds] if row.runs else []
    finished = [result for result in results if result]
    record["genotype_by_seed"] = [result["genotype"] for result in finished]
    record["seconds_by_seed"] = [result["seconds"] for result in finished]
    return record
