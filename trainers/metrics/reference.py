"""What the real images look like to an extractor, made once and kept in the cache.

n images, d features.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from trainers.datasets.images import Images
from trainers.metrics.extractor import Extractor
from trainers.metrics.moments import Moments, Statistics
from trainers.metrics.shares import share_of


@dataclass(frozen=True)
class Reference:
    """Real images, seen by an extractor."""

    images: Images
    extractor: Extractor
    cache: Path
    batch_size: int
    device: torch.device

    @property
    def fingerprint(self) -> str:
        """Of the content of the images."""
        return self.images.fingerprint

    def statistics(self) -> Statistics:
        """Mean and covariance of the features of all images."""
        moments = Moments(self.extractor.dimension).to(self.device)
        for index in torch.tensor(share_of(len(self.images))).split(self.batch_size):
            moments.update(self._features_at(index))
        moments.sync()
        return moments.compute()

    def _features_at(self, index: Tensor) -> Tensor:
        return self.extractor(self.images.pixels[index].to(self.device))[0]
