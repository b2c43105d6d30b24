"""Computing scores from batches of images. n images, c channels, h x w pixels.

n images, c channels, h x w pixels.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack

import torch
from torch import Tensor

from trainers.compute import all_digits
from trainers.distributed import from_rank_zero, share_of
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.reference import Reference
from trainers.metrics.specs import METRIC_SPECS, ExtractorOutput

ImagesAt = Callable[[Tensor], Tensor]
"""A function from the numbers of some images [n] to the images, uint8 [n, c, h, w]."""

PROTOCOL = 1
"""Raise it when the same configuration begins to give other scores."""


class Scorer:
    """Scores sets of `config.samples` images. Made and called by all ranks; what it needs is made at once.

    Raises:
        UserError: a metric lacks what it needs: real images, enough of them, classes, statistics that fit.
    """

    def __init__(self, config: EvaluationConfig, reference: Reference) -> None:
        self._config, self._reference, self._device = config, reference, reference.extractor.device
        specs = {name: METRIC_SPECS[name] for name in config.of_images}
        if any(spec.single_images for spec in specs.values()):
            reference.features()  # before statistics, which are then made of them: one look serves both
        self._metrics = {
            name: spec.make(config, reference).to(self._device) for name, spec in specs.items() if spec.make
        }

    @torch.no_grad()
    def __call__(self, images_at: ImagesAt) -> Mapping[str, float]:
        """The scores: every rank looks at its share of the images, all return rank 0's result."""
        try:
            self._look(images_at)
            with ExitStack() as merged:
                for metric in self._metrics.values():
                    merged.enter_context(metric.sync_context())
                return from_rank_zero(self._values)
        finally:
            for metric in self._metrics.values():
                metric.reset()

    def _look(self, images_at: ImagesAt) -> None:
        for index in torch.tensor(share_of(self._config.samples)).split(self._config.batch_size):
            pixels = images_at(index).to(self._device)
            with all_digits():
                features, logits = self._reference.extractor(pixels)
            seen = ExtractorOutput(features, logits, index.to(self._device))
            for name, metric in self._metrics.items():
                METRIC_SPECS[name].feed(metric, seen)

    def _values(self) -> Mapping[str, float]:
        values: dict[str, float] = {}
        for name, metric in self._metrics.items():
            result = metric.compute()
            results = result if isinstance(result, tuple) else (result,)
            names = METRIC_SPECS[name].names(self._reference.extractor.name)
            values.update(zip(names, map(float, results), strict=True))
        return values

    def protocol(self, source: str) -> Mapping[str, str]:
        """All values that two scores must share to be compared; `source` says what makes the images.

        Weights and reference are hashes of content: they are equal wherever and whenever they were made.
        """
        extractor = self._reference.extractor
        return {
            "protocol": str(PROTOCOL),
            "extractor": extractor.name,
            "weights": extractor.weights[:16],
            "resize": extractor.resize,
            "reference": self._reference.content_hash,
            "samples": str(self._config.samples),
            "kd_subset_size": str(self._config.kd_subset_size),
            "source": source,
        }
