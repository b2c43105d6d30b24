"""MLflow's view of a sweep: a parent, a child for each configuration, a grandchild for each seed.

Written by the driver from the study and the runs' folders, in a thread of its own: trials do not wait for it,
and what a killed driver has not written is written at the next start.
"""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from orchestrator.config.experiment import to_yaml
from orchestrator.jobs.scores import deviation
from orchestrator.plots.sweep import preload
from orchestrator.sweep.config import Sweep
from orchestrator.sweep.results import Row
from orchestrator.sweep.run_folder import STAGES, RunFolder, params_hash, seed_folder, trial_folder
from orchestrator.tracking import TrackedRun, Tracker
from orchestrator.tracking.entry import Status
from trainers.report import Report

logger = logging.getLogger(__name__)

STATUS: Mapping[str, Status] = {"complete": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
"""Our states -> MLflow's."""

MIRRORED = ".mirrored"
"""File in a trial's folder: its runs in MLflow are complete."""


class MlflowWriter:
    """Writes trials as they change."""

    def __init__(self, sweep: Sweep, folder: Path, tracker: Tracker, parent: TrackedRun) -> None:
        self._sweep, self._folder = sweep, folder
        self._tracker, self._parent = tracker, parent
        self._queue: SimpleQueue[Row | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="mlflow mirror", daemon=True)
        self._thread.start()

    def changed(self, row: Row) -> None:
        """Write an ended trial, soon; returns at once."""
        if row.state != "running" and not (self._marker(row)).exists():
            self._queue.put(row)

    def close(self) -> None:
        """Wait until all is written."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        preload()
        while (row := self._queue.get()) is not None:
            try:
                self._write(row)
            # MLflow is a view: whatever is wrong with it, the sweep goes on, and the next start tries again.
            except Exception as error:
                logger.warning("MLflow: trial %d is not written: %s", row.number, error)

    def _write(self, row: Row) -> None:
        child = self._child(row)
        for seed in range(self._sweep.config.seeds):
            folder = RunFolder(seed_folder(trial_folder(self._folder, row.params), seed))
            if folder.path.exists():
                self._grandchild(row, seed, folder, child)
        child.scores(self._results(row), {})
        if row.reason:
            child.tag({"advnas.error": row.reason})
        child.finish(STATUS[row.state])
        marker = self._marker(row)
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()

    def _child(self, row: Row) -> TrackedRun:
        return self._tracker.run(
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
        )

    def _grandchild(self, row: Row, seed: int, folder: RunFolder, child: TrackedRun) -> None:
        """The curves of one seed: steps of retraining follow those of the search."""
        experiment = self._sweep.experiment(row.params, seed)
        run = self._tracker.run(
            f"{self._folder.name}/trial-{row.number}/seed-{seed}",
            "seed",
            name=f"trial {row.number} seed {experiment.seed}",
            params={"seed": experiment.seed, **row.params},
            tags={"advnas.sweep": self._folder.name, "advnas.trial": str(row.number)},
            parent=child,
        )
        run.artifact("config.yaml", to_yaml(experiment))
        offset = 0
        for stage in STAGES:
            for report in folder.reports(stage):
                metrics = {f"{stage}/{name}": value for name, value in report.metrics.items()}
                run.report(Report(offset + report.step, metrics, report.genotypes))
            offset = experiment.search.steps
        result = folder.result()
        if result:
            run.scores(result["scores"], result["protocol"])
        run.finish("FINISHED" if result else STATUS[row.state])

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
