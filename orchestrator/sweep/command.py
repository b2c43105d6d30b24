"""`advnas sweep`: all of it, and the same again under the same name after whatever has ended it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.config.files import write_yaml
from orchestrator.console.console import Console
from orchestrator.console.interruption import sigterm_interrupts
from orchestrator.jobs.driver_lock import sole_driver
from orchestrator.plots.sweep import figures
from orchestrator.stages.fresh_name import fresh_name
from orchestrator.stages.train import Result, write_result
from orchestrator.sweep.config import Sweep
from orchestrator.sweep.mlflow_writer import MlflowWriter
from orchestrator.sweep.results import Row, best, pareto_front, rows_of, write_results
from orchestrator.sweep.run_folder import trial_folder
from orchestrator.sweep.searcher import StudySearch
from orchestrator.sweep.study import open_study, study_url
from orchestrator.sweep.table import Board, plain_table
from orchestrator.sweep.trial import run_trial
from orchestrator.sweep.tuning import Work, require_room_here, tune
from orchestrator.sweep.validation import validate
from orchestrator.tracking import Tracker
from search_space.errors import UserError

if TYPE_CHECKING:
    from optuna import Study


class TooManyFailures(UserError):
    """The sweep was stopped by its failures."""


def run_sweep(sweep: Sweep, console: Console, work: Work = run_trial) -> Result:
    """Do a sweep to its end; `work` does a trial.

    Raises:
        UserError: a mistake in the configuration, no room, or more failures than allowed.
    """
    validate(sweep)
    require_room_here(sweep)
    root = sweep.base.root.absolute()
    name = sweep.config.name or fresh_name("sweep", root)
    folder = root / name
    with sole_driver(folder), sigterm_interrupts():
        study = open_study(sweep, name, folder)
        (folder / "sweep.yaml").write_text(write_yaml(sweep.config.document()), encoding="utf-8")
        console.say(f"sweep {name} in {folder}; study {study_url(sweep, folder)}")
        tracker = Tracker(sweep.base.tracking_uri, sweep.base.tracking.experiment, sweep.base.root)
        params = {"sweep": sweep.config.model_dump(mode="json", exclude={"space"}), "seed": sweep.base.seed}
        with tracker.run(name, "sweep", name=name, params=params, tags={}) as parent:
            parent.artifact("sweep.yaml", (folder / "sweep.yaml").read_text(encoding="utf-8"))
            mirror = MlflowWriter(sweep, folder, tracker, parent)
            try:
                _trials(sweep, study, folder, console, mirror, work)
            finally:
                rows = rows_of(study)
                parquet = write_results(sweep, rows, folder)
                mirror.close()
                for file, png in figures(study).items():
                    parent.artifact(file, png)
                parent.artifact(parquet.name, parquet.read_bytes())
            _require_few_failures(sweep, rows)
            result = _result(sweep, name, rows, folder)
            winner = result.get("best")
            if winner:
                parent.scores(winner["values"], {})
    result |= {"run_id": parent.run_id, "tracking_uri": tracker.uri, "parquet": parquet}
    for line in plain_table(sweep, rows):
        console.say(line)
    if "left" in result:
        console.say(f"{result['left']} trials are left; the same command with --name {name} goes on")
    write_result(folder, result)
    return result


def _trials(
    sweep: Sweep, study: "Study", folder: Path, console: Console, mirror: MlflowWriter, work: Work
) -> None:
    """Do what remains to be done, and show it."""
    board = Board(sweep, rows_of(study))
    for row in board.rows:  # what a killed driver has not written
        mirror.changed(row)
    with console.live(board) as is_drawn:

        def show(row: Row) -> None:
            is_news = board.changed(row)
            mirror.changed(row)
            if is_news and not is_drawn:
                console.say(board.line(row))
                if row.state != "running":
                    console.say(board.summary())

        search = StudySearch(sweep, study, [show])
        if search.remaining() and search.failed <= sweep.config.max_failures:
            tune(sweep, search, folder, work)


def _require_few_failures(sweep: Sweep, rows: Sequence[Row]) -> None:
    failed = [row for row in rows if row.state == "failed"]
    if len(failed) > sweep.config.max_failures:
        raise TooManyFailures(
            f"{len(failed)} trials have failed, more than max_failures = {sweep.config.max_failures}; "
            f"the last, trial {failed[-1].number}: {failed[-1].reason}; raise max_failures to go on"
        )


def _result(sweep: Sweep, name: str, rows: Sequence[Row], folder: Path) -> Result:
    states = {state: sum(row.state == state for row in rows) for state in ("complete", "stopped", "failed")}
    left = sweep.config.budget.trials - sum(states.values())
    result: Result = {"name": name, **states, **({"left": left} if left > 0 else {})}
    objectives = sweep.config.objective
    if len(objectives) > 1:
        front = {f"trial {row.number}": row for row in pareto_front(rows, objectives)}
        return {
            **result,
            "pareto_front": {name: _described(sweep, row, folder) for name, row in front.items()},
        }
    winner = best(rows, objectives[0])
    return {**result, "best": _described(sweep, winner, folder)} if winner else result


def _described(sweep: Sweep, row: Row, folder: Path) -> dict[str, Any]:
    metrics = [objective.metric for objective in sweep.config.objective]
    values = dict(zip(metrics, row.values or (), strict=True))
    return {
        "trial": row.number,
        "values": values,
        "params": row.params,
        "folder": trial_folder(folder, row.params),
    }
