"""A worker of a job: it trains, scores when an evaluation is due, and reports."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import fmean

import torch

from orchestrator.checkpoints.store import Checkpoint, CheckpointError, CheckpointMeta
from orchestrator.jobs.identity import identity, require_same, require_same_images, require_same_protocol
from orchestrator.jobs.job import Emit, Job, Outcome, is_due
from orchestrator.jobs.training import TRAININGS
from search_space.errors import UserError
from trainers.datasets.images import Images
from trainers.datasets.registry import load_images
from trainers.distributed import from_rank_zero, rank, world_size
from trainers.metrics.evaluator import Evaluator
from trainers.report import Report
from trainers.samples import SampleGenerator
from trainers.state import TrainingState
from trainers.strategies.inherited import Score


class Evaluation:
    """Scores at the reports that are due.

    Raises:
        UserError: the extractor cannot be had. Nothing is looked for where nothing is scored.
    """

    def __init__(self, job: Job, images: Images, device: torch.device) -> None:
        self._config, self._end = job.config, job.end
        evaluation = self._config.evaluation
        scored = evaluation.every and evaluation.of_images and job.has_samples
        self._evaluator = _evaluator(job, images, device) if scored else None

    def __call__(self, step: int, sample: SampleGenerator) -> Mapping[str, float]:
        """Scores, empty when not due. Called by all workers."""
        if self._evaluator is None or not is_due(self._config, step, self._end):
            return {}
        return self._evaluator(sample, self._config.generator.latent_dim)

    @property
    def score(self) -> Score | None:
        """Scores any generator, whatever the step; None where nothing is scored."""
        evaluator, latent_dim = self._evaluator, self._config.generator.latent_dim
        return None if evaluator is None else lambda sample: evaluator(sample, latent_dim)

    @property
    def protocol(self) -> Mapping[str, str]:
        """What two scores must share to be compared."""
        return self._evaluator.protocol if self._evaluator else {}


def _evaluator(job: Job, images: Images, device: torch.device) -> Evaluator:
    """Errors of extractors name the retraining's settings; here they name those of the job's own stage."""
    try:
        return Evaluator(job.config.evaluation, images, job.cache, device)
    except UserError as error:
        raise type(error)(str(error).replace("retrain.evaluation.", f"{job.stage}.evaluation.")) from error


Committed = Callable[[Report, Path], None]
"""Learns, on every worker, that a report's checkpoint is on the disk."""

logger = logging.getLogger(__name__)

BLIND = 0.6
"""Areas under D's ROC curve below this, in the mean, say that D has learnt next to nothing."""
LEARNING = 100
"""Steps of D before anything is said of what it has learnt."""


def run_worker(job: Job, emit: Emit, device: torch.device, committed: Committed | None = None) -> Outcome:
    """Do a job from its newest checkpoint to its end. All workers call it; rank 0 emits and saves.

    A report is emitted before its checkpoint is committed: whatever dies in between, no report is lost, and
    those after the newest checkpoint are emitted again.

    Raises:
        UserError: bad data, a checkpoint of another configuration, a full disk.
        NonFiniteLoss: the checkpoints before it are kept.
    """
    images = load_images(job.experiment.data, job.cache)
    training = TRAININGS[job.stage](job, device)
    checkpoint = _restore(job, training.state, images)
    workers = _workers(job, checkpoint)
    evaluation = Evaluation(job, images, device)
    if checkpoint:
        require_same_protocol(checkpoint, evaluation.protocol)
    if evaluation.score:
        training.use_scores(evaluation.score)
    areas: list[float] = []
    for report in training.reports(images, evaluation):
        areas += _areas(job, report)
        meta = _meta(job, report, images, evaluation, workers)
        checkpoint = from_rank_zero(partial(_record, job, training.state, meta, report, emit))
        if committed:
            committed(report, checkpoint.folder)
    assert checkpoint is not None, "the last step is reported"
    if job.copy:
        from_rank_zero(partial(job.copy.send_last_checkpoint, job.experiment.cluster.report_timeout_s / 2))
    if rank() == 0 and areas:
        _warn_of_a_blind_discriminator(fmean(areas))
    return Outcome.of(checkpoint)


def _areas(job: Job, report: Report) -> list[float]:
    """Under D's ROC curve, from the second half of a search on: before, D may still be learning."""
    area = report.metrics.get("score_auc")
    begun = report.step >= max(job.end / 2, LEARNING)
    return [area] if job.stage == "search" and area is not None and begun else []


def _warn_of_a_blind_discriminator(area: float) -> None:
    if area < BLIND:
        logger.warning(
            "the discriminator hardly told real images from generated ones (area under its ROC curve %.2f in "
            "the second half, 0.5 is chance), so what the search chose follows noise; use "
            "search.strategy.opponent=fixed, or another search.strategy",
            area,
        )


def _restore(job: Job, state: TrainingState, images: Images) -> Checkpoint | None:
    """Take over the newest checkpoint; rank 0 decides which that is."""
    if job.copy:
        job.copy.fetch_checkpoints()
    found = from_rank_zero(partial(_newest, job))
    if found is None:
        return None
    checkpoint = job.checkpoints.here(found)
    require_same(checkpoint, job)
    require_same_images(checkpoint, images.content_hash)
    try:
        state.load_state_dict(checkpoint.state())
    except ValueError as error:
        raise CheckpointError(f"{checkpoint.folder}: {error}") from error
    return checkpoint


def _newest(job: Job) -> Checkpoint | None:
    job.checkpoints.clear_leftovers()
    return job.checkpoints.latest()


def _record(job: Job, state: TrainingState, meta: CheckpointMeta, report: Report, emit: Emit) -> Checkpoint:
    emit(report)
    checkpoint = Checkpoint(job.checkpoints.save(state.state_dict(), meta), meta)
    if job.copy:
        job.copy.send_checkpoints()
    return checkpoint


def _workers(job: Job, checkpoint: Checkpoint | None) -> dict[int, int]:
    """How many train, and after which step they began; says so where it may change, as bits depend on it."""
    step, workers = (checkpoint.meta.step, checkpoint.meta.workers) if checkpoint else (0, {})
    now, cluster = world_size(), job.experiment.cluster
    if list(workers.values())[-1:] != [now]:
        workers = {**workers, step: now}
    mixed = set(workers.values()) != {cluster.shares}
    if rank() == 0 and (mixed or cluster.min_workers is not None):
        # A warning, because no others reach the user.
        logger.warning(
            "elastic: %d of %d workers train from step %d on%s",
            now,
            cluster.shares,
            step + 1,
            "; the result is that of all workers up to rounding, not bit by bit" if mixed else "",
        )
    return workers


def _meta(
    job: Job, report: Report, images: Images, evaluation: Evaluation, workers: dict[int, int]
) -> CheckpointMeta:
    return CheckpointMeta(
        step=report.step,
        identity=identity(job),
        images=images.content_hash,
        protocol=dict(evaluation.protocol),
        metrics=dict(report.metrics),
        workers=workers,
        genotypes=dict(report.genotypes),
    )
