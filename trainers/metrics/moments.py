"""Mean and covariance of features, in float64.

n samples, d features.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics import Metric

from trainers.metrics.errors import ScoreError
from trainers.metrics.gaussians import Statistics


def require_finite(features: Float[Tensor, "n d"]) -> None:
    """Refuse features that are not numbers: one would turn every score into NaN.

    Raises:
        ScoreError: a feature is NaN or infinite.
    """
    wrong = int((~features.isfinite()).any(dim=1).sum())
    if wrong:
        raise ScoreError(f"features of {wrong} of {len(features)} images are NaN or infinite")


class Moments(Metric):
    """mu = sum(x) / n and sigma = (sum(x x^T) - n mu mu^T) / (n - 1).

    Made of sums, which add up over batches and workers.

    Raises:
        ScoreError: features are not finite or not `dimension` wide; fewer than two samples.
    """

    full_state_update = False
    count: Tensor
    total: Tensor
    outer: Tensor

    def __init__(self, dimension: int) -> None:
        super().__init__(sync_on_compute=False)
        self.dimension = dimension
        self.add_state("count", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("total", torch.zeros(dimension, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("outer", torch.zeros(dimension, dimension, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, features: Float[Tensor, "n d"]) -> None:
        """Add a batch of features."""
        if features.shape[1] != self.dimension:
            raise ScoreError(f"features are {features.shape[1]} wide, expected {self.dimension}")
        require_finite(features)
        exact = features.double()
        self.count += len(exact)
        self.total += exact.sum(dim=0)
        self.outer += exact.T @ exact

    def compute(self) -> Statistics:
        """Mean and unbiased covariance of all features so far, on the processor."""
        if self.count < 2:
            raise ScoreError(f"a covariance needs at least 2 samples, got {int(self.count)}")
        mu = self.total / self.count
        sigma = (self.outer - self.count * torch.outer(mu, mu)) / (self.count - 1)
        return Statistics(mu.cpu(), sigma.cpu())
