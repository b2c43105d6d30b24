"""From images, wherever they come from, to scores.

n images, c channels, h x w pixels.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from trainers.metrics.config import EvaluationConfig, MetricName
from trainers.metrics.extractor import Extractor
from trainers.metrics.families import FAMILIES, Seen
from trainers.metrics.reference import Reference
from trainers.metrics.shares import from_rank_zero, share_of

if TYPE_CHECKING:
    from torchmetrics import Metric

ImagesAt = Callable[[Tensor], Tensor]
"""From the numbers of some images [n] to the images, uint8 [n, c, h, w]."""

PROTOCOL = 1
"""Raise it when the same configuration begins to give other scores."""


@torch.no_grad()
def score(images_at: ImagesAt, config: EvaluationConfig, reference: Reference) -> Mapping[str, float]:
    """Scores of `config.samples` images. Every rank looks at its share; all return rank 0's result."""
    extractor = reference.extractor
    metrics = {name: FAMILIES[name].make(config, reference).to(extractor.device) for name in config.metrics}
    for index in torch.tensor(share_of(config.samples)).split(config.batch_size):
        features, logits = extractor(images_at(index).to(extractor.device))
        seen = Seen(features, logits, index.to(extractor.device))
        for name, metric in metrics.items():
            FAMILIES[name].feed(metric, seen)
    for metric in metrics.values():
        metric.sync()
    return from_rank_zero(lambda: _named_values(metrics, extractor))


def _named_values(metrics: Mapping[MetricName, "Metric"], extractor: Extractor) -> Mapping[str, float]:
    values: dict[str, float] = {}
    for name, metric in metrics.items():
        result = metric.compute()
        results = result if isinstance(result, tuple) else (result,)
        values.update(zip(FAMILIES[name].names(extractor), map(float, results), strict=True))
    return values


def fingerprint(config: EvaluationConfig, reference: Reference, source: str) -> Mapping[str, str]:
    """What two scores must share to be compared; `source` says what made the images.

    Weights and reference are hashes of content: they are equal wherever and whenever they were made.
    """
    extractor = reference.extractor
    return {
        "protocol": str(PROTOCOL),
        "extractor": extractor.name,
        "weights": extractor.weights[:16],
        "resize": extractor.resize,
        "reference": reference.fingerprint,
        "samples": str(config.samples),
        "kd_subset_size": str(config.kd_subset_size),
        "source": source,
    }
