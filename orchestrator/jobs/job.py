"""A job (a search or one retraining), its outcome, and the scores of its checkpoints."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Literal, NamedTuple

from orchestrator.checkpoints.object_store import ObjectStoreCopy
from orchestrator.checkpoints.store import Checkpoint, CheckpointMeta, CheckpointStore
from orchestrator.checkpoints.stored_folder import copy_of
from orchestrator.config.experiment import Experiment
from orchestrator.config.stages import RetrainStage, SearchStage
from orchestrator.jobs.scores import rank
from search_space.genotype import Genotype
from trainers.metrics.config import MetricName
from trainers.metrics.specs import METRIC_SPECS, lower_is_better
from trainers.report import Report
from trainers.strategies.strategy import Effort


class Score(NamedTuple):
    """The value that decides."""

    name: str
    """As reported: fid, fd_digits, is_mean, ..."""
    value: float
    rank: float
    """The lower the better."""


def score(meta: CheckpointMeta, metric: MetricName) -> Score | None:
    """The checkpoint's score; None if it was not evaluated or its score is not a number."""
    if not meta.protocol:
        return None
    name = METRIC_SPECS[metric].names(meta.protocol["extractor"])[0]
    value = meta.metrics.get(name)
    if value is None or not isfinite(value):
        return None
    return Score(name, value, rank(value, lower_is_better(name)))


def is_due(config: SearchStage | RetrainStage, step: int, end: int) -> bool:
    """Whether the report of a step is scored: the first of every `evaluation.every` steps, and the end."""
    every = config.evaluation.every
    return every > 0 and (step % every < config.report_every or step == end)


Stage = Literal["search", "retrain"]

Emit = Callable[[Report], None]
"""Takes a report in: when it returns, the report is recorded and its checkpoint may be committed."""


@dataclass(frozen=True)
class Job:
    """A search, or the retraining of a genotype, to be done in a folder."""

    stage: Stage
    experiment: Experiment
    genotypes: Mapping[str, Genotype]
    """The genotypes to retrain, by network; a search has none."""
    folder: Path
    """Absolute. Doing the job again here goes on where it stopped."""
    until: int | None = None
    """Step at which the training pauses; a later step resumes it. None: the end of the training."""

    @property
    def config(self) -> SearchStage | RetrainStage:
        """The configuration of the stage."""
        return self.experiment.search if self.stage == "search" else self.experiment.retrain

    @property
    def end(self) -> int:
        """The last step to do now. Schedules run over all steps of the configuration, wherever it pauses."""
        return self.until or self.config.steps

    @property
    def has_samples(self) -> bool:
        """Whether there are images to score and to show on the way: not of a search that trains nothing."""
        return self.stage == "retrain" or self.experiment.search.strategy.samples

    def images_after(self, step: int) -> int:
        """Number of images that are scored at the reports after a step."""
        evaluation, every = self.config.evaluation, self.config.report_every
        if not (evaluation.every and evaluation.of_images and self.has_samples):
            return 0
        reports = {*range((step // every + 1) * every, self.end, every), self.end}
        due = sum(is_due(self.config, report, self.end) for report in reports if report > step)
        return due * evaluation.samples

    def effort(self, step: int) -> Effort:
        """What the steps up to one take."""
        if self.stage == "retrain":
            return Effort(step)
        search = self.experiment.search
        return search.strategy.effort(step, search.steps)

    @property
    def cache(self) -> Path:
        """Prepared data and statistics, shared by all runs."""
        return self.experiment.folder / "cache"

    @property
    def checkpoints(self) -> CheckpointStore:
        """Where the job's state is kept, the best of a retraining too; the same for any number of workers."""
        return CheckpointStore(self.folder / "checkpoints", self.experiment.keep_checkpoints, self._rank)

    @property
    def copy(self) -> ObjectStoreCopy | None:
        """The copy of the folder in an object store, if there is to be one."""
        return copy_of(self.experiment, self.folder)

    def clear_checkpoints(self) -> None:
        """Delete them, here and in a root that is an object store."""
        self.checkpoints.clear()
        if self.copy:
            self.copy.clear_checkpoints()

    def __reduce__(self) -> tuple[Callable[..., "Job"], tuple[Any, ...]]:
        """A job that is sent to another machine is there in that machine's folder of the root."""
        below = self.folder.relative_to(self.experiment.folder)
        return _arrived, (self.stage, self.experiment, self.genotypes, below, self.until)

    def score(self, meta: CheckpointMeta) -> Score | None:
        """What decides how good a retrained generator is; supernets are not ranked."""
        return score(meta, self.config.evaluation.metrics[0]) if self.stage == "retrain" else None

    def _rank(self, meta: CheckpointMeta) -> float | None:
        found = self.score(meta)
        return found and found.rank


def _arrived(
    stage: Stage, experiment: Experiment, genotypes: Mapping[str, Genotype], below: Path, until: int | None
) -> Job:
    return Job(stage, experiment, genotypes, experiment.folder / below, until)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a finished job."""

    step: int
    metrics: Mapping[str, float]
    """The metrics of the last report."""
    genotypes: Mapping[str, Genotype]
    """What a search has found, by network."""
    checkpoint: Path
    images: str
    """Fingerprint of the data set."""
    protocol: Mapping[str, str] = field(default_factory=dict)
    """What scores must share to be compared; empty where nothing is scored."""
    workers: Mapping[int, int] = field(default_factory=dict)
    """How many trained, by the step after which they began: more than one number, and bits may differ."""

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "Outcome":
        """The outcome that a checkpoint records."""
        meta = checkpoint.meta
        return cls(
            step=meta.step,
            metrics=meta.metrics,
            genotypes=meta.genotypes,
            checkpoint=checkpoint.folder,
            images=meta.images,
            protocol=meta.protocol,
            workers=meta.workers,
        )


Launch = Callable[[Job, Emit], Outcome]

Listen = Callable[[Job], Emit]
"""Makes what hears a job's reports."""


def heard(launch: Launch, listen: Listen) -> Launch:
    """The same, with its reports also told to what `listen` makes."""

    def launch_heard(job: Job, emit: Emit) -> Outcome:
        keep = listen(job)

        def both(report: Report) -> None:
            keep(report)
            emit(report)

        return launch(job, both)

    return launch_heard
