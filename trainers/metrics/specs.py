"""The kinds of scores, one row each: how the metric is made and fed, what it needs, and its names.

n samples, d features, k classes.

n samples, d features, k classes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from jaxtyping import Float, Int64
from torch import Tensor

from trainers.metrics.config import EvaluationConfig, MetricName
from trainers.metrics.errors import ScoreError
from trainers.metrics.reference import Reference

if TYPE_CHECKING:
    from torchmetrics import Metric


@dataclass(frozen=True)
class ExtractorOutput:
    """The output of an extractor for a batch."""

    features: Float[Tensor, "n d"]
    logits: Float[Tensor, "n k"] | None
    index: Int64[Tensor, " n"]
    """Each image's number among all that are scored."""


@dataclass(frozen=True)
class MetricSpec:
    """A kind of score."""

    make: Callable[[EvaluationConfig, Reference], "Metric"] | None
    """The accumulator's constructor; None if it looks at no images: then the training measures it."""
    feed: Callable[["Metric", ExtractorOutput], None]
    fewest: Callable[[EvaluationConfig], int]
    """The smallest number of samples it is defined for."""
    published: tuple[str, ...]
    """Names of its values when the published Inception network sees the images."""
    other: tuple[str, ...]
    """Names with any other network; `*` stands for the extractor's name."""
    higher_is_better: bool = False
    single_images: bool = False
    """Whether it needs the features of each real image, not their statistics alone."""

    def names(self, extractor: str) -> tuple[str, ...]:
        """The names of its values when the extractor of that name sees the images."""
        if extractor == "inception":
            return self.published
        return tuple(name.replace("*", extractor) for name in self.other)


def _frechet(_config: EvaluationConfig, reference: Reference) -> "Metric":
    from trainers.metrics.moments import FrechetDistance

    return FrechetDistance(reference.statistics())


def _inception_score(config: EvaluationConfig, reference: Reference) -> "Metric":
    from trainers.metrics.inception_score import InceptionScore

    if not reference.extractor.classes:
        raise ScoreError(
            f"evaluation.metrics: {reference.extractor.name} has no classes, so no Inception score"
        )
    return InceptionScore(config.samples, reference.extractor.classes)


def _kernel(config: EvaluationConfig, reference: Reference) -> "Metric":
    from trainers.metrics.kernel import KernelDistance

    return KernelDistance(reference.features(), config.samples, config.kd_subset_size)


def _precision_recall(config: EvaluationConfig, reference: Reference) -> "Metric":
    from trainers.metrics.precision_recall import PrecisionRecall

    return PrecisionRecall(reference.features(), config.samples)


FRECHET = MetricSpec(
    make=_frechet,
    feed=lambda metric, seen: metric.update(seen.features),
    fewest=lambda _: 2,
    published=("fid",),
    other=("fd_*",),
)
INCEPTION_SCORE = MetricSpec(
    make=_inception_score,
    feed=lambda metric, seen: metric.update(seen.logits, seen.index),
    fewest=lambda _: 10,
    published=("is_mean", "is_std"),
    other=("is_*_mean", "is_*_std"),
    higher_is_better=True,
)
KERNEL = MetricSpec(
    make=_kernel,
    feed=lambda metric, seen: metric.update(seen.features, seen.index),
    fewest=lambda config: config.kd_subset_size,
    published=("kid", "kid_std"),
    other=("kd_*", "kd_*_std"),
    single_images=True,
)
PRECISION_RECALL = MetricSpec(
    make=_precision_recall,
    feed=lambda metric, seen: metric.update(seen.features, seen.index),
    fewest=lambda _: 4,
    published=("precision_inception", "recall_inception"),  # plain names would mean VGG16, as published
    other=("precision_*", "recall_*"),
    higher_is_better=True,
    single_images=True,
)

DUALITY_GAP = MetricSpec(
    make=None,
    feed=lambda _metric, _seen: None,
    fewest=lambda _: 1,
    published=("gap",),
    other=("gap",),
)

METRIC_SPECS: Mapping[str, MetricSpec] = {
    "fid": FRECHET,
    "fd": FRECHET,
    "is": INCEPTION_SCORE,
    "kid": KERNEL,
    "kd": KERNEL,
    "precision_recall": PRECISION_RECALL,
    "gap": DUALITY_GAP,
}


def lower_is_better(score: str) -> bool:
    """Whether a lower score is better, by its reported name."""
    return not any(
        fnmatchcase(score, name)
        for family in METRIC_SPECS.values()
        if family.higher_is_better
        for name in (*family.published, *family.other)
    )


def score_names(config: EvaluationConfig) -> Mapping[str, MetricName]:
    """Names of the scores that an evaluation reports, in its order -> the metric each belongs to."""
    extractor = config.extractor_name
    return {name: metric for metric in config.metrics for name in METRIC_SPECS[metric].names(extractor)}
