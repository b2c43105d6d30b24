"""When a training is scored, and by what."""

from collections.abc import Mapping

import torch

from orchestrator.jobs.job import Job
from trainers.datasets import Images
from trainers.metrics.evaluator import Evaluator
from trainers.samples import SampleGenerator


class Evaluation:
    """Scores at the reports that are due: the first of every `evaluation.every` steps, and the last.

    Raises:
        UserError: the extractor cannot be had. Nothing is looked for where nothing is scored.
    """

    def __init__(self, job: Job, images: Images, device: torch.device) -> None:
        self._config = job.config
        every = self._config.evaluation.every
        self._evaluator = Evaluator(self._config.evaluation, images, job.cache, device) if every else None

    def __call__(self, step: int, sample: SampleGenerator) -> Mapping[str, float]:
        """Scores, empty when not due. Called by all workers."""
        if self._evaluator is None or not self._due(step):
            return {}
        return self._evaluator(sample, self._config.generator.latent_dim)

    @property
    def protocol(self) -> Mapping[str, str]:
        """What two scores must share to be compared."""
        return self._evaluator.fingerprint if self._evaluator else {}

    def _due(self, step: int) -> bool:
        config = self._config
        return step % config.evaluation.every < config.report_every or step == config.steps
