"""`advnas sweep`: runs a sweep, or resumes it after any ending."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.checkpoints.claim import claimed
from orchestrator.config.files import write_yaml
from orchestrator.console.console import Console
from orchestrator.plots.sweep import figures
from orchestrator.stages.results import MERGED, write_result
from orchestrator.stages.session import fresh_name
from orchestrator.sweep.config import Sweep
from orchestrator.sweep.mlflow_writer import MlflowWriter
from orchestrator.sweep.results import Row, best, limit_of, pareto_front, rows_of, write_results
from orchestrator.sweep.run_folder import trial_folder
from orchestrator.sweep.searcher import StudySearch
from orchestrator.sweep.space import Params
from orchestrator.sweep.stored import look_at_all, send_own, view_of
from orchestrator.sweep.study import open_study, study_url
from orchestrator.sweep.table import Board, plain_table
from orchestrator.sweep.trial import run_trial
from orchestrator.sweep.tuning import Work, require_room_here, tune
from orchestrator.sweep.validation import validate
from orchestrator.tracking import Tracker
from orchestrator.tracking.columns import columns
from search_space.errors import UserError
from trainers.interruption import interruptible

if TYPE_CHECKING:
    from optuna import Study


class TooManyFailures(UserError):
    """The sweep was stopped by its failures."""


class NoTrialCanGoOn(UserError):
    """No trial can write what it comes to."""


@dataclass(frozen=True)
class BestTrial:
    """A trial that no other beats."""

    trial: int
    values: Mapping[str, float]
    """Values by objective."""
    params: Params
    folder: Path


@dataclass(frozen=True)
class TrialCounts:
    """How many trials ended how."""

    complete: int
    stopped: int
    failed: int
    left: int | None
    """None where the budget is used up."""


@dataclass(frozen=True)
class Swept:
    """A finished sweep."""

    name: str
    trials: TrialCounts = field(metadata=MERGED)
    pareto_front: Mapping[str, BestTrial] | None
    """By the trial's name; None where there is one objective."""
    best: BestTrial | None
    """None where there are several objectives, or no trial is complete."""
    run_id: str
    tracking_uri: str
    parquet: Path
    reliability: str | None = None
    """What differences its seeds cannot show; None where no reliability run has measured the best recipe."""


def run_sweep(sweep: Sweep, console: Console, work: Work = run_trial) -> Swept:
    """Do a sweep to its end; `work` does a trial.

    Raises:
        UserError: a mistake in the configuration, no room, or more failures than allowed.
    """
    validate(sweep)
    require_room_here(sweep)
    root = sweep.base.folder.absolute()
    name = sweep.config.name or fresh_name("sweep", root)
    folder = root / name
    console.run = name
    view = view_of(sweep.base, folder)
    with claimed(sweep.base, folder), interruptible():
        study = open_study(sweep, name, folder)
        view.mkdir(parents=True, exist_ok=True)
        (view / "sweep.yaml").write_text(write_yaml(sweep.config.document()), encoding="utf-8")
        console.say(f"sweep {name} in {folder}; study {study_url(sweep, folder)}")
        tracker = Tracker(sweep.base.tracking_uri, sweep.base.tracking.experiment, sweep.base.folder)
        params = {"sweep": sweep.config.model_dump(mode="json", exclude={"space"}), "seed": sweep.base.seed}
        shown = columns(sweep.base, "sweep")
        with tracker.run(name, "sweep", name=name, params=params, tags={}, columns=shown) as parent:
            parent.artifact("sweep.yaml", (view / "sweep.yaml").read_text(encoding="utf-8"))
            mirror = MlflowWriter(sweep, view, tracker, parent)
            try:
                _trials(sweep, study, folder, console, mirror, work)
            finally:
                rows = rows_of(study)
                look_at_all(sweep.base, (trial_folder(view, row.params) for row in rows if row.runs))
                parquet = write_results(sweep, rows, view)
                send_own(sweep.base, view)
                mirror.close()
                for file, png in figures(study).items():
                    parent.artifact(file, png)
                parent.artifact(parquet.name, parquet.read_bytes())
            _require_few_failures(sweep, rows)
            result = Swept(
                name=name,
                trials=_counted(sweep, rows),
                pareto_front=_front(sweep, rows, view),
                best=_best(sweep, rows, view),
                run_id=parent.run_id,
                tracking_uri=tracker.uri,
                parquet=parquet,
                reliability=limit_of(sweep, rows),
            )
            if result.best:
                parent.scores(result.best.values, {})
    for line in plain_table(sweep, rows):
        console.say(line)
    if result.reliability:
        console.say(result.reliability)
    if result.trials.left:
        console.say(f"{result.trials.left} trials are left; the same command with --name {name} goes on")
    write_result(view, result)
    send_own(sweep.base, view)
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
        if search.stopped_by:
            raise NoTrialCanGoOn(f"{search.stopped_by}; then the same command with the name goes on")


def _require_few_failures(sweep: Sweep, rows: Sequence[Row]) -> None:
    failed = [row for row in rows if row.state == "failed"]
    if len(failed) > sweep.config.max_failures:
        raise TooManyFailures(
            f"{len(failed)} trials have failed, more than max_failures = {sweep.config.max_failures}; "
            f"the last, trial {failed[-1].number}: {failed[-1].reason}; raise max_failures to go on"
        )


def _counted(sweep: Sweep, rows: Sequence[Row]) -> TrialCounts:
    complete, stopped, failed = (
        sum(row.state == state for row in rows) for state in ("complete", "stopped", "failed")
    )
    left = sweep.config.budget.trials - complete - stopped - failed
    return TrialCounts(complete, stopped, failed, left if left > 0 else None)


def _front(sweep: Sweep, rows: Sequence[Row], folder: Path) -> Mapping[str, BestTrial] | None:
    objectives = sweep.config.objective
    if len(objectives) == 1:
        return None
    return {f"trial {row.number}": _described(sweep, row, folder) for row in pareto_front(rows, objectives)}


def _best(sweep: Sweep, rows: Sequence[Row], folder: Path) -> BestTrial | None:
    objectives = sweep.config.objective
    winner = best(rows, objectives[0]) if len(objectives) == 1 else None
    return _described(sweep, winner, folder) if winner else None


def _described(sweep: Sweep, row: Row, folder: Path) -> BestTrial:
    metrics = [objective.metric for objective in sweep.config.objective]
    values = dict(zip(metrics, row.values or (), strict=True))
    return BestTrial(row.number, values, row.params, trial_folder(folder, row.params))
