"""Scores and statistics of existing images: folders, data sets, samples. n images.

n images.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch

from trainers.datasets.images import Images
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.errors import ScoreError
from trainers.metrics.extractors.registry import make_extractor
from trainers.metrics.protocols import following
from trainers.metrics.reference import Reference
from trainers.metrics.reference_features import ReferenceFeatures
from trainers.metrics.scoring import Scorer
from trainers.metrics.statistics_file import save_statistics


class Scores(NamedTuple):
    """Values and what they may be compared with."""

    values: Mapping[str, float]
    protocol: Mapping[str, str]


def score_images(
    images: Images, real: Images | None, config: EvaluationConfig, cache: Path, device: torch.device
) -> Scores:
    """Scores of all `images` against `real` ones and `config.statistics`; `config.samples` does not count
    here.

    Raises:
        ScoreError: the two are of different sizes, or a metric needs what is not there.
        UserError: the extractor or the statistics cannot be had.
    """
    if real is not None and images.pixels.shape[1:] != real.pixels.shape[1:]:
        shapes = [*images.pixels.shape[1:]], [*real.pixels.shape[1:]]
        raise ScoreError(
            f"the scored images are {shapes[0]}, those to compare with {shapes[1]} (channels, height, width);"
            " bring all to one size before they are scored"
        )
    everything = config.model_copy(update={"samples": len(images)})
    extractor = make_extractor(config, cache, device)
    seen = None if real is None else ReferenceFeatures(real, extractor, cache, config.batch_size)
    scorer = Scorer(everything, Reference(extractor, seen, config.statistics))
    values = scorer(lambda index: images.pixels[index])
    return Scores(values, scorer.protocol(source=f"images {images.content_hash}"))


def write_statistics(
    file: Path, images: Images, config: EvaluationConfig, cache: Path, device: torch.device
) -> None:
    """Make the images' reference statistics, or take them from the cache, and export them as .npz."""
    extractor = make_extractor(config, cache, device)
    seen = ReferenceFeatures(images, extractor, cache, config.batch_size)
    save_statistics(file, seen.statistics(), seen.origin)


class Known(NamedTuple):
    """A score that has been measured many times."""

    value: float
    tolerance: float


CIFAR10: Mapping[str, Known] = {
    "fid": Known(3.15, 0.02),
    "is_mean": Known(11.24, 0.02),
}
"""FID of the 50,000 training images to the 10,000 test images; Inception score of the training images."""


class Check(NamedTuple):
    """A known score and what came out here."""

    name: str
    found: float
    known: Known

    @property
    def passed(self) -> bool:
        """Whether the two agree."""
        return abs(self.found - self.known.value) <= self.known.tolerance


def check_cifar10(
    train: Images, test: Images, evaluation: EvaluationConfig, cache: Path, device: torch.device
) -> tuple[Check, ...]:
    """Score CIFAR-10's real images with the published network; `evaluation` says where its weights are.

    Raises:
        UserError: its weights cannot be had.
    """
    config = following("paper", evaluation).model_copy(update={"statistics": None})
    distance = score_images(test, train, config.model_copy(update={"metrics": ("fid",)}), cache, device)
    classes = score_images(train, None, config.model_copy(update={"metrics": ("is",)}), cache, device)
    found = {**distance.values, **classes.values}
    return tuple(Check(name, found[name], known) for name, known in CIFAR10.items())
