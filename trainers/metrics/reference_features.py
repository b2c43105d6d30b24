"""The features of real images, computed once by all workers and cached. n images, d features.

n images, d features.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from trainers.compute import all_digits
from trainers.datasets.images import Images
from trainers.distributed import from_rank_zero, rank, share_of
from trainers.files import written_whole
from trainers.metrics.extractors.extractor import Extractor
from trainers.metrics.moments import KeptFeatures, Moments, Statistics
from trainers.metrics.statistics_file import Origin, load_statistics, save_statistics


@dataclass(frozen=True)
class ReferenceFeatures:
    """Images and an extractor. All ranks call its methods together; each looks at its share of the images."""

    images: Images
    extractor: Extractor
    cache: Path
    batch_size: int

    @property
    def origin(self) -> Origin:
        """The values that identify the results."""
        seen = self.extractor
        return Origin(seen.name, seen.weights, seen.resize, self.images.content_hash)

    def statistics(self) -> Statistics:
        """Mean and covariance of the features."""
        path = self._path("statistics", ".npz")
        kept = from_rank_zero(lambda: load_statistics(path)[0] if path.exists() else None)
        if kept is not None:
            return kept
        moments = Moments(self.extractor.dimension).to(self.extractor.device)
        for features in self._features_by_share():
            moments.update(features)
        moments.sync()
        statistics = moments.compute()
        if rank() == 0:
            save_statistics(path, statistics, self.origin)
        return statistics

    def features(self) -> Float[Tensor, "n d"]:
        """The features themselves, in the order of the images, on the processor."""
        path = self._path("features", ".npy")
        kept = from_rank_zero(self._kept_features)
        if kept is not None:
            return kept
        keeper = KeptFeatures(len(self.images)).to(self.extractor.device)
        for index, features in self._shares():
            keeper.update(features, index)
        keeper.sync()
        gathered = keeper.compute().cpu()
        if rank() == 0:
            with written_whole(path) as file:
                np.save(file, gathered.numpy())
        return gathered

    def _path(self, content: str, suffix: str) -> Path:
        seen = self.origin
        return (
            self.cache / f"{content}-{seen.images}-{seen.extractor}-{seen.weights[:16]}-{seen.resize}{suffix}"
        )

    def _kept_features(self) -> Tensor | None:
        path = self._path("features", ".npy")
        return torch.from_numpy(np.load(path, allow_pickle=False)) if path.exists() else None

    def _features_by_share(self) -> Iterator[Tensor]:
        """The features in the cache, if they are there already, so that no image is processed twice."""
        kept = from_rank_zero(self._kept_features)
        if kept is None:
            yield from (features for _, features in self._shares())
        else:
            share = kept[torch.tensor(share_of(len(kept)))]
            yield from share.to(self.extractor.device).split(self.batch_size)

    def _shares(self) -> Iterator[tuple[Tensor, Tensor]]:
        for index in torch.tensor(share_of(len(self.images))).split(self.batch_size):
            pixels = self.images.pixels[index].to(self.extractor.device)
            with all_digits():
                features, _ = self.extractor(pixels)
            yield index, features
