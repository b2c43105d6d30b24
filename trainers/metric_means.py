"""Running means of what a step measures, kept on the device until a report reads them."""

from collections.abc import Mapping

import torch
from torch import Tensor

from trainers.distributed import average


class MetricMeans:
    """Means over steps and workers; a metric that some steps lack is averaged over those that have it."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Take in one step's scalars without waiting for the device."""
        for name, value in values.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1

    def collect(self) -> dict[str, float]:
        """The means since the last call, which every worker makes at the same step."""
        if not self._sums:
            return {}
        stacked = torch.stack([self._sums[name] / self._counts[name] for name in self._sums])
        average([stacked])
        means = dict(zip(self._sums, stacked.tolist(), strict=True))
        self._sums, self._counts = {}, {}
        return means
