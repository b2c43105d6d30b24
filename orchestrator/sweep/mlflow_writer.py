"""MLflow's view of a sweep: a parent, a child for each configuration, a grandchild for each seed.

Written by the driver from the study and the runs' folders while trials run, in a thread of its own: trials do
not wait for it, and what a killed driver has not written is written at the next start.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from statistics import fmean
from typing import Any

from orchestrator.config.experiment import to_yaml
from orchestrator.jobs.scores import deviation
from orchestrator.plots.sweep import preload
from orchestrator.sweep.config import Sweep
from orchestrator.sweep.results import Row
from orchestrator.sweep.run_folder import STAGES, RunFolder, params_hash, seed_folder, trial_folder
from orchestrator.sweep.stored import look_at
from orchestrator.tracking import TrackedRun, Tracker
from orchestrator.tracking.columns import columns
from orchestrator.tracking.report_file import Follower
from orchestrator.tracking.sending.entry import Status
from orchestrator.tracking.tracker import SEARCHED
from trainers.report import Report

logger = logging.getLogger(__name__)

STATUS: Mapping[str, Status] = {"complete": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
"""Our states -> MLflow's."""

MIRRORED = ".mirrored"
"""File in a trial's folder: its runs in MLflow are complete."""


PAUSE = 2.0
"""Seconds between two looks at what running trials have reported."""
STORE_PAUSE = 15.0
"""The same where an object store is asked."""


@dataclass(frozen=True)
class OpenSeed:
    """The run of one seed of a trial, and the files it is written from."""

    run: TrackedRun
    followers: Sequence[Follower]


class MlflowWriter:
    """Writes trials as they go."""

    def __init__(self, sweep: Sweep, folder: Path, tracker: Tracker, parent: TrackedRun) -> None:
        self._sweep, self._folder = sweep, folder
        self._tracker, self._parent = tracker, parent
        self._queue: SimpleQueue[Row | None] = SimpleQueue()
        self._running: dict[int, Row] = {}
        self._children: dict[int, TrackedRun] = {}
        self._seeds: dict[tuple[int, int], OpenSeed] = {}
        self._pause = STORE_PAUSE if sweep.base.object_store else PAUSE
        self._thread = threading.Thread(target=self._work, name="mlflow mirror", daemon=True)
        self._thread.start()

    def changed(self, row: Row) -> None:
        """Write a trial, soon; returns at once."""
        if row.state == "running" or not self._marker(row).exists():
            self._queue.put(row)

    def close(self) -> None:
        """Wait until all is written; trials that go on at the next start are KILLED until then."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        preload()
        while True:
            try:
                row = self._queue.get(timeout=self._pause)
            except Empty:
                self._each_running(self._update)
                continue
            if row is None:
                break
            if row.state == "running":
                self._running[row.number] = row
            else:
                self._running.pop(row.number, None)
                self._guarded(self._write, row)
        self._each_running(self._leave)

    def _each_running(self, do: Callable[[Row], None]) -> None:
        for row in list(self._running.values()):
            self._guarded(do, row)

    def _guarded(self, do: Callable[[Row], None], row: Row) -> None:
        try:
            do(row)
        # MLflow is a view: whatever is wrong with it, the sweep goes on, and the next start tries again.
        except Exception as error:
            logger.warning("MLflow: trial %d is not written: %s", row.number, error)

    def _update(self, row: Row) -> None:
        """Bring the seeds of a trial up to date."""
        look_at(self._sweep.base, trial_folder(self._folder, row.params))
        for seed in range(self._sweep.config.seeds):
            folder = RunFolder(seed_folder(trial_folder(self._folder, row.params), seed))
            if not folder.path.exists():
                continue
            if (row.number, seed) not in self._seeds:
                self._seeds[row.number, seed] = self._open(row, seed, folder)
            opened = self._seeds[row.number, seed]
            for follower in opened.followers:
                follower.catch_up()
            if result := folder.result():
                opened.run.scores(result["scores"], result["protocol"])
                opened.run.finish("FINISHED", time=_latest(opened))

    def _write(self, row: Row) -> None:
        """Write an ended trial whole."""
        self._update(row)
        child = self._child(row)
        for report in self._mean_curve(row):
            child.report(report)
        results = self._results(row)
        child.scores(results, {})
        if row.reason:
            child.tag({"advnas.error": row.reason})
        child.tag({"advnas.state": row.state})
        self._finish(row, STATUS[row.state])
        objectives = {each.metric for each in self._sweep.config.objective}
        self._parent.points(
            {f"trials/{name}": results[name] for name in results if name in objectives}, row.number
        )
        marker = self._marker(row)
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()

    def _leave(self, row: Row) -> None:
        self._update(row)
        self._finish(row, "KILLED")

    def _finish(self, row: Row, status: Status) -> None:
        for number, seed in list(self._seeds):
            if number == row.number:
                opened = self._seeds.pop((number, seed))
                opened.run.finish(status, time=_latest(opened))
        ended = int(row.ended.timestamp() * 1000) if row.ended else None
        self._child(row).finish(status, time=ended)
        self._children.pop(row.number, None)

    def _child(self, row: Row) -> TrackedRun:
        if row.number not in self._children:
            experiment = self._sweep.experiment(row.params, 0)
            self._children[row.number] = self._tracker.run(
                f"{self._folder.name}/trial-{row.number}",
                "trial",
                name=f"trial {row.number}",
                params=row.params,
                tags={
                    "advnas.sweep": self._folder.name,
                    "advnas.trial": str(row.number),
                    "advnas.config": params_hash(row.params),
                    "advnas.state": row.state,
                },
                parent=self._parent,
                columns=columns(experiment, "trial"),
                shown=f"trial-{row.number}/",
                began=int(row.began.timestamp() * 1000) if row.began else None,
            )
        return self._children[row.number]

    def _open(self, row: Row, seed: int, folder: RunFolder) -> OpenSeed:
        """The run of one seed: curves of the retraining under their names, of the search under search/."""
        experiment = self._sweep.experiment(row.params, seed)
        run = self._tracker.run(
            f"{self._folder.name}/trial-{row.number}/seed-{seed}",
            "seed",
            name=f"trial {row.number} seed {experiment.seed}",
            params={"seed": experiment.seed, **row.params},
            tags={"advnas.sweep": self._folder.name, "advnas.trial": str(row.number)},
            parent=self._child(row),
            columns=columns(experiment, "seed"),
            shown=f"seed-{seed}/",
            shown_only=[each.metric for each in self._sweep.config.objective],
            began=next((began for stage in STAGES if (began := folder.file(stage).began)), None),
        )
        run.artifact("config.yaml", to_yaml(experiment))
        prefixes = {"search": SEARCHED, "retrain": ""}
        return OpenSeed(run, [Follower(folder.file(stage), run, prefixes[stage]) for stage in STAGES])

    def _mean_curve(self, row: Row) -> Iterator[Report]:
        """The trial's own curve: of every objective the mean over its seeds, where all have scored."""
        trial = trial_folder(self._folder, row.params)
        curves = [
            {report.step: report.metrics for report in RunFolder(seed_folder(trial, seed)).reports("retrain")}
            for seed in range(self._sweep.config.seeds)
        ]
        for step in sorted(set.intersection(*map(set, curves))):
            means = {
                objective.metric: fmean(curve[step][objective.metric] for curve in curves)
                for objective in self._sweep.config.objective
                if all(objective.metric in curve[step] for curve in curves)
            }
            if means:
                yield Report(step, means)

    def _results(self, row: Row) -> dict[str, float]:
        results: dict[str, Any] = {}
        for position, objective in enumerate(self._sweep.config.objective):
            metric, scores = objective.metric, [run[objective.metric] for run in row.runs]
            if row.values:
                results[metric] = row.values[position]
            if scores:
                results |= {f"{metric}_mean": sum(scores) / len(scores)}
                results |= {f"{metric}_deviation": deviation(scores) or 0.0}
        return results

    def _marker(self, row: Row) -> Path:
        return trial_folder(self._folder, row.params) / f"{MIRRORED}-{row.number}"


def _latest(opened: OpenSeed) -> int | None:
    """When the newest report of a seed came; None where its files do not say."""
    times = [each.latest.get("time") for each in opened.followers if each.latest]
    return max((time for time in times if time), default=None)
