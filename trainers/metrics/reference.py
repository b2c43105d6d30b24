"""The reference of a score: real images, their statistics from a file, or both. n images, d features.

n images, d features.
"""

from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from trainers.metrics.errors import ScoreError, StatisticsError
from trainers.metrics.extractors.extractor import Extractor
from trainers.metrics.moments import Statistics, frechet_distance
from trainers.metrics.reference_features import ReferenceFeatures
from trainers.metrics.statistics_file import Origin, content_hash, load_statistics

TOLERANCE = 1e-4
"""Frechet distance, as a share of the features' variance, up to which statistics are of the same images."""


@dataclass(frozen=True)
class Reference:
    """Real images as an extractor sees them."""

    extractor: Extractor
    seen: ReferenceFeatures | None = None
    """Features; None if there are no images: then a file's statistics serve `fid`, nothing serves `kid`."""
    file: Path | None = None
    """Statistics to be used instead of those of the images, if they are of the same images."""

    @property
    def content_hash(self) -> str:
        """The hash of the images or, without images, the one that the statistics' file records, else the
        hash of the statistics."""
        if self.seen is not None:
            return self.seen.images.content_hash
        if self.file is None:
            return "none"
        statistics, origin = load_statistics(self.file)
        return origin.images if origin else content_hash(statistics)

    def statistics(self) -> Statistics:
        """Mean and covariance of the features, of the file if there is one.

        Raises:
            ScoreError: there are neither images nor statistics.
            StatisticsError: the file is unreadable, of another extractor or of other images.
        """
        if self.file is not None:
            return self._imported(self.file)
        if self.seen is None:
            raise ScoreError(
                "evaluation: a Frechet distance needs real images or retrain.evaluation.statistics"
            )
        return self.seen.statistics()

    def features(self) -> Float[Tensor, "n d"]:
        """The features of single images.

        Raises:
            ScoreError: there are no images.
        """
        if self.seen is None:
            raise ScoreError(
                "evaluation: kernel distance, precision and recall need real images, not statistics"
            )
        return self.seen.features()

    def _imported(self, file: Path) -> Statistics:
        statistics, origin = load_statistics(file)
        width, ours = len(statistics.mu), self.extractor.dimension
        if width != ours:
            raise StatisticsError(
                f"{file}: {width} features, but extractor {self.extractor.name} has {ours}; name"
                " the extractor they were made with, or make them anew with `advnas evaluate stats`"
            )
        if origin is not None:
            self._require_origin(file, origin)
        elif self.seen is not None:
            _require_same(file, statistics, self.seen.statistics())
        return statistics

    def _require_origin(self, file: Path, origin: Origin) -> None:
        seen, images = self.extractor, self.seen.images.content_hash if self.seen else origin.images
        expected = Origin(seen.name, seen.weights, seen.resize, images)
        for field, theirs, ours in zip(Origin._fields, origin, expected, strict=True):
            if theirs != ours:
                raise StatisticsError(
                    f"{file} is of other {field}: {theirs[:16]}, here {ours[:16]};"
                    " `advnas evaluate stats` makes it anew"
                )


def _require_same(file: Path, imported: Statistics, own: Statistics) -> None:
    distance, allowed = float(frechet_distance(imported, own)), TOLERANCE * float(own.sigma.trace())
    if distance > allowed:
        raise StatisticsError(
            f"{file} is of other images: its distance to the evaluation's is {distance:.4g}, not 0; it may be"
            " of another split, size or resize. Without retrain.evaluation.statistics they are made of images"
        )
