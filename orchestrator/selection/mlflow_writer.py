"""MLflow's view of a selection: a child for each training, written as it goes, with the keys of a retraining.

Trainings may run anywhere: each leaves its reports in its folder, where a thread of the driver reads them.
"""

import logging
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from orchestrator.config.experiment import to_yaml
from orchestrator.jobs.job import Emit, Job
from orchestrator.selection.candidates import Named
from orchestrator.selection.live import End, Run, Train
from orchestrator.stages.session import Session
from orchestrator.tracking import TrackedRun
from orchestrator.tracking.columns import columns
from orchestrator.tracking.report_file import Follower, ReportFile
from orchestrator.tracking.sending.entry import Status
from trainers.guarded_step import NonFiniteLoss

logger = logging.getLogger(__name__)

PAUSE = 2.0
"""Seconds between two readings of what trainings have reported."""
STAGE = "candidate"


def recording(job: Job) -> Emit:
    """Keeps the reports of a training in its folder, from now on."""
    file = ReportFile(job.folder, job.stage)
    file.begin()
    return file.append


@dataclass
class Training:
    """One candidate with one seed, over all rungs."""

    run: Run
    diverged: NonFiniteLoss | None = None
    tracked: TrackedRun | None = None
    follower: Follower | None = None


@dataclass
class TrainingsWriter:
    """Writes the trainings of a selection."""

    session: Session
    parent: TrackedRun
    candidates: Mapping[str, Named]
    metric: str
    """The score that decides: the parent shows its curves too."""
    _trainings: dict[tuple[str, int], Training] = field(default_factory=dict)
    _left: threading.Event = field(default_factory=threading.Event)

    def written(self, train: Train) -> Train:
        """The same function, with its trainings written to MLflow."""

        def train_written(runs: Sequence[Run]) -> Iterator[End]:
            for run in runs:
                self._trainings.setdefault(run.request[:2], Training(run))
            for run, outcome in train(runs):
                if isinstance(outcome, NonFiniteLoss):
                    self._trainings[run.request[:2]].diverged = outcome
                yield run, outcome

        return train_written

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write for as long; at the end all that is left, and how each training ended."""
        thread = threading.Thread(target=self._work, name="mlflow candidates", daemon=True)
        thread.start()
        status: Status = "FINISHED"
        try:
            yield
        except BaseException as error:
            status = "FAILED" if isinstance(error, Exception) else "KILLED"
            raise
        finally:
            self._left.set()
            thread.join()
            for training in list(self._trainings.values()):
                self._guarded(training)
                if training.tracked:
                    self._finish(training, training.tracked, status)

    def _work(self) -> None:
        while not self._left.wait(PAUSE):
            for training in list(self._trainings.values()):
                self._guarded(training)

    def _guarded(self, training: Training) -> None:
        try:
            self._update(training)
        # MLflow is a view: whatever is wrong with it, the selection goes on.
        except Exception as error:
            logger.warning("MLflow: %s is not written: %s", training.run.title, error)

    def _update(self, training: Training) -> None:
        job = training.run.job
        file = ReportFile(job.folder, job.stage)
        if training.tracked is None and file.began is not None:
            training.tracked = self._open(training.run, file.began)
            training.follower = Follower(file, training.tracked)
        if training.follower:
            training.follower.catch_up()

    def _open(self, run: Run, began: int) -> TrackedRun:
        """The MLflow run of a training; the parent shows its score under the candidate's name."""
        experiment, genotype = run.job.experiment, run.job.genotypes["generator"]
        seed, name = experiment.seed, self.candidates[run.request.genotype][0]
        tracked = self.session.tracker.run(
            f"{self.session.name}/select/{genotype.content_hash}/seed-{seed}",
            STAGE,
            name=f"{name} seed {seed}",
            params={"seed": seed, "candidate": name},
            tags={"advnas.selection": self.session.name},
            parent=self.parent,
            columns=columns(experiment, STAGE) | {"space": genotype.space},
            shown=f"{re.sub(r'[^A-Za-z0-9_. -]', '-', name)} seed {seed}/",
            shown_only=[self.metric],
            began=began,
        )
        tracked.genotypes({"generator": genotype})
        tracked.artifact("config.yaml", to_yaml(experiment))
        return tracked

    def _finish(self, training: Training, tracked: TrackedRun, status: Status) -> None:
        latest = training.follower.latest if training.follower else None
        time = latest.get("time") if latest else None
        if training.diverged:
            tracked.tag({"advnas.error": str(training.diverged)})
        tracked.finish("FAILED" if training.diverged else status, time=time)
