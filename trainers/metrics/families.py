"""The kinds of score, one row each: how its metric is made and fed, what it needs, and what it is called.

n samples, d features, k classes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jaxtyping import Float, Int64
from torch import Tensor

from trainers.metrics.config import EvaluationConfig
from trainers.metrics.extractor import Extractor
from trainers.metrics.reference import Reference

if TYPE_CHECKING:
    from torchmetrics import Metric


@dataclass(frozen=True)
class Seen:
    """What an extractor saw in a batch."""

    features: Float[Tensor, "n d"]
    logits: Float[Tensor, "n k"] | None
    index: Int64[Tensor, " n"]
    """Each image's number among all that are scored."""


@dataclass(frozen=True)
class Family:
    """A kind of score."""

    make: Callable[[EvaluationConfig, Extractor, Reference], "Metric"]
    feed: Callable[["Metric", Seen], None]
    fewest: Callable[[EvaluationConfig], int]
    """The smallest number of samples it is defined for."""
    published: tuple[str, ...]
    """Names of its values when the published Inception network sees the images."""
    other: tuple[str, ...]
    """Names with any other network; `*` stands for the extractor's name."""

    def names(self, extractor: Extractor) -> tuple[str, ...]:
        """What its values are called with this extractor."""
        return (
            self.published
            if extractor.published
            else tuple(n.replace("*", extractor.name) for n in self.other)
        )


def _frechet(_config: EvaluationConfig, _extractor: Extractor, reference: Reference) -> "Metric":
    from trainers.metrics.frechet import FrechetDistance

    return FrechetDistance(reference.statistics())


def _inception_score(config: EvaluationConfig, extractor: Extractor, _reference: Reference) -> "Metric":
    from trainers.metrics.inception_score import InceptionScore

    return InceptionScore(config.samples, extractor.classes)


FRECHET = Family(
    make=_frechet,
    feed=lambda metric, seen: metric.update(seen.features),
    fewest=lambda _: 2,
    published=("fid",),
    other=("fd_*",),
)
INCEPTION_SCORE = Family(
    make=_inception_score,
    feed=lambda metric, seen: metric.update(seen.logits, seen.index),
    fewest=lambda _: 10,
    published=("is_mean", "is_std"),
    other=("is_*_mean", "is_*_std"),
)

FAMILIES: Mapping[str, Family] = {
    "fid": FRECHET,
    "fd": FRECHET,
    "is": INCEPTION_SCORE,
}
