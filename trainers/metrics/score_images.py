"""Scores of images that are there already, and statistics of images for later: folders, data sets, samples.

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
from trainers.metrics.reference import Reference
from trainers.metrics.reference_features import SeenImages
from trainers.metrics.scoring import Scorer
from trainers.metrics.statistics_file import save_statistics


class Scores(NamedTuple):
    """Values and what they may be compared with."""

    values: Mapping[str, float]
    fingerprint: Mapping[str, str]


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
    seen = None if real is None else SeenImages(real, extractor, cache, config.batch_size)
    scorer = Scorer(everything, Reference(extractor, seen, config.statistics))
    values = scorer(lambda index: images.pixels[index])
    return Scores(values, scorer.fingerprint(source=f"images {images.fingerprint}"))


def write_statistics(
    file: Path, images: Images, config: EvaluationConfig, cache: Path, device: torch.device
) -> None:
    """Make the images' reference statistics, or take them from the cache, and export them as .npz."""
    extractor = make_extractor(config, cache, device)
    seen = SeenImages(images, extractor, cache, config.batch_size)
    save_statistics(file, seen.statistics(), seen.origin)
