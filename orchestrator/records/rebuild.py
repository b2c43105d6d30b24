"""A lost or damaged MLflow database, made again from the folders of the runs without doubling anything."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.records.artifacts import Lost, restore_artifacts
from orchestrator.records.database import rename_run, set_aside_if_damaged
from orchestrator.records.history import History, histories
from orchestrator.records.models import register_again
from orchestrator.records.older import older_histories
from orchestrator.tracking.sending.entry import Entry, send
from orchestrator.tracking.store import SQLITE, TrackingError, explained, open_experiment
from orchestrator.tracking.tracker import ID_TAG, PARENT_TAG, STAGE_TAG, UNSENT
from search_space.errors import UserError
from trainers.locks import DRIVER_LOCK, RunInUse, sole_driver

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

IMAGES_TAG = "mlflow.loggedImages"
"""By it MLflow's pages know that a run has images by step."""
BATCH = 1000
"""Metrics that MLflow takes at once."""
SEVERAL = 100
"""Params, or tags, that it takes at once."""


@dataclass
class Rebuilt:
    """What was done, for people and programs."""

    tracking_uri: str
    made: int = 0
    """Runs that the database lacked."""
    completed: int = 0
    """Runs of which it lacked a part."""
    sound: int = 0
    """Runs of which it lacked nothing."""
    points: int = 0
    """Values of metrics that were written."""
    models: list[str] = field(default_factory=list)
    """What became of the generators that pipelines had registered, in words."""
    lost: list[str] = field(default_factory=list)
    """What cannot be recovered, in words."""


def rebuild(root: Path, uri: str | None) -> Rebuilt:
    """Write all that the folders below a root hold of their runs and the store lacks.

    Raises:
        UserError: there are no runs, or the store cannot be used.
    """
    if not root.is_dir():
        raise UserError(f"--root {root}: no such folder; give the `root` of the runs")
    target = uri or f"{SQLITE}{root.absolute() / 'mlflow.db'}"
    recorded = histories(root)
    known = {run_id for history in recorded for run_id in history.run_ids}
    found = [*recorded, *older_histories(root, known)]
    chosen = [each for each in found if uri or not each.head.uri.startswith("http")]
    if not chosen:
        raise UserError(f"--root {root}: {_why_none(found)}")
    rebuilt = Rebuilt(target)
    if len(chosen) < len(found):
        elsewhere = len(found) - len(chosen)
        rebuilt.lost.append(
            f"{elsewhere} runs were recorded at a server: --tracking-uri URI writes them there"
        )
    if aside := _set_aside(target):
        rebuilt.lost.append(f"the damaged database is kept as {aside}; what only it held is lost")
    _Rebuilding(root, target, rebuilt).do(chosen)
    if waiting := sorted({path.parent for path in root.rglob(f"*{UNSENT}/*.json")}):
        rebuilt.lost.append(f"what waits in {', '.join(map(str, waiting))}: starting the run again sends it")
    return rebuilt


def _why_none(found: Sequence[History]) -> str:
    if found:
        return f"its {len(found)} runs were recorded at a server; add --tracking-uri URI to write them there"
    return "no runs here; give the `root` of the runs"


def _set_aside(target: str) -> Path | None:
    if not target.startswith(SQLITE):
        return None
    try:
        return set_aside_if_damaged(Path(target.removeprefix(SQLITE)))
    except sqlite3.OperationalError as error:
        raise TrackingError(f"tracking.uri = {target}: {error}; end the program that holds it") from error


@dataclass
class _Rebuilding:
    root: Path
    uri: str
    rebuilt: Rebuilt
    _ids: dict[str, str] = field(default_factory=dict)
    """The run's id when it was recorded -> its id in the store."""
    _made: dict[str, History] = field(default_factory=dict)
    """The histories of the runs that the store lacked, by the id they had."""

    def do(self, found: Sequence[History]) -> None:
        for history in found:
            try:
                with self._held(history):
                    self._restore(history)
            except RunInUse as error:
                self.rebuilt.lost.append(f"{error}; the run was left as it is")
        self.rebuilt.models += register_again(self.root, self.uri, self._made, self._ids)
        partly = [history.head.name for history in self._made.values() if not history.whole]
        if partly:
            self.rebuilt.lost.append(
                f"between checkpoints, curves and images of earlier versions: {', '.join(partly)}"
            )

    def _held(self, history: History) -> ExitStack:
        """The folders that a driver of the run would hold."""
        inner = history.folder / history.head.stage
        with ExitStack() as held:
            for folder in (inner, *(each for each in inner.parents if each.is_relative_to(self.root))):
                if (folder / DRIVER_LOCK).exists():
                    held.enter_context(sole_driver(folder))
            return held.pop_all()

    def _restore(self, history: History) -> None:
        with explained(self.uri):
            client, experiment = open_experiment(self.uri, history.head.experiment, self.root)
            run = _find(client, experiment, history)
            if run is not None and run.info.lifecycle_stage == "deleted":
                self.rebuilt.lost.append(f"{history.head.name}: deleted in MLflow, left so")
                return
            is_made = run is None
            run = run or self._make(client, experiment, history)
            self._ids[history.head.run_id] = run.info.run_id
            written = self._complete(client, run, history, is_made)
        if is_made:
            self._made[history.head.run_id] = history
        self.rebuilt.made += is_made
        self.rebuilt.completed += bool(written and not is_made)
        self.rebuilt.sound += not (written or is_made)

    def _make(self, client: "MlflowClient", experiment: str, history: History) -> "Run":
        head = history.head
        made = client.create_run(experiment, head.began, self._tags(history), head.name)
        if not self.uri.startswith(SQLITE):
            return made
        rename_run(Path(self.uri.removeprefix(SQLITE)), made.info.run_id, head.run_id, head.artifacts)
        return client.get_run(head.run_id)

    def _tags(self, history: History) -> dict[str, str]:
        tags = {ID_TAG: history.head.id, STAGE_TAG: history.head.stage} | history.tags
        if history.images:
            tags[IMAGES_TAG] = "True"
        if PARENT_TAG in tags:
            tags[PARENT_TAG] = self._ids.get(tags[PARENT_TAG], tags[PARENT_TAG])
        return tags

    def _complete(self, client: "MlflowClient", run: "Run", history: History, is_made: bool) -> bool:
        """Write what the run lacks; whether there was anything."""
        run_id = run.info.run_id
        points = list(_lacking(client, run, history))
        params = {name: value for name, value in history.params.items() if name not in run.data.params}
        tags = {name: value for name, value in self._tags(history).items() if name not in run.data.tags}
        _log(client, run_id, points, params, tags)
        has_data = bool(run.inputs and run.inputs.dataset_inputs)
        dataset = None if has_data else history.dataset
        if dataset:
            send(Entry(dataset=dataset), client, run_id)
        lost = restore_artifacts(client, run_id, history)
        if lost.names:
            self.rebuilt.lost.append(_in_words(history, lost))
        self.rebuilt.points += len(points)
        if is_made or (run.info.status == "RUNNING" and history.status):
            client.set_terminated(run_id, history.status or "KILLED", history.latest or None)
        return bool(points or params or tags or dataset or lost.restored)


def _find(client: "MlflowClient", experiment: str, history: History) -> "Run | None":
    from mlflow.entities import ViewType

    head = history.head
    wanted = f"tags.`{ID_TAG}` = '{head.id}' and tags.`{STAGE_TAG}` = '{head.stage}'"
    found = client.search_runs([experiment], wanted, ViewType.ALL)
    active = [run for run in found if run.info.lifecycle_stage == "active"]
    return next(iter(active or found), None)


def _lacking(client: "MlflowClient", run: "Run", history: History) -> Iterator["Metric"]:
    """Values that the store has not, oldest first."""
    from mlflow.entities import Metric

    there: dict[str, set[tuple[int, int]]] = {}
    for name in run.data.metrics:
        points = client.get_metric_history(run.info.run_id, name)
        there[name] = {(point.step, point.timestamp) for point in points}
    for (name, step), values in history.points.items():
        for time, value in values.items():
            if (step, time) not in there.get(name, ()):
                yield Metric(name, value, time, step)


def _log(
    client: "MlflowClient",
    run_id: str,
    points: "Sequence[Metric]",
    params: Mapping[str, str],
    tags: Mapping[str, str],
) -> None:
    from mlflow.entities import Param, RunTag

    for start in range(0, len(points), BATCH):
        client.log_batch(run_id, metrics=points[start : start + BATCH])
    every_param = [Param(name, value) for name, value in params.items()]
    every_tag = [RunTag(name, value) for name, value in tags.items()]
    for start in range(0, max(len(every_param), len(every_tag)), SEVERAL):
        these = slice(start, start + SEVERAL)
        client.log_batch(run_id, params=every_param[these], tags=every_tag[these])


def _in_words(history: History, lost: Lost) -> str:
    names = ", ".join(lost.names[:5]) + (f" and {len(lost.names) - 5} more" if len(lost.names) > 5 else "")
    return f"{history.head.name}: {names}"
