"""Known scores of real images: where they come out, scores here are scores as published."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch

from trainers.datasets.images import Images
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.protocols import following
from trainers.metrics.score_images import score_images


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
