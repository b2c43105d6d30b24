"""The Gaussians that feature distributions are summarised by, and the Frechet distance between two: FID when
Inception sees the images.

d features.
Source: Heusel et al., GANs trained by a two time-scale update rule, 2017 (arXiv 1706.08500), equation 6.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from trainers.metrics.errors import ScoreError


class Statistics(NamedTuple):
    """Mean and unbiased covariance of the features of a set of images."""

    mu: Float64[Tensor, " d"]
    sigma: Float64[Tensor, "d d"]


def square_root(sigma: Float64[Tensor, "d d"]) -> Float64[Tensor, "d r"]:
    """A with A A^T = sigma: Cholesky's factor, or r scaled eigenvectors where few samples leave rank r < d.

    Eigenvalues that are rounding errors of zero are left out: their square roots (1e-8 each) would add up.
    """
    lower, failed = torch.linalg.cholesky_ex(sigma)
    if not failed:
        return lower
    values, vectors = torch.linalg.eigh(sigma)
    real = values > len(values) * torch.finfo(values.dtype).eps * values[-1].clamp(min=0)
    return vectors[:, real] * values[real].sqrt()


def frechet_distance(first: Statistics, second: Statistics) -> Float64[Tensor, ""]:
    """|mu1 - mu2|^2 + tr(sigma1 + sigma2 - 2 (sigma1 sigma2)^(1/2)), 0 or more.

    With sigma1 = A A^T and sigma2 = B B^T the last trace is the sum of the singular values of A^T B, taken
    from the smaller of its two Gram matrices: real by construction, right for singular covariances, and three
    times faster than the eigenvalues of the unsymmetric product.
    """
    product = square_root(first.sigma).T @ square_root(second.sigma)
    gram = product @ product.T if product.shape[0] <= product.shape[1] else product.T @ product
    shared = torch.linalg.eigvalsh(gram).clamp(min=0).sqrt().sum()
    distance = (first.mu - second.mu).square().sum() + first.sigma.trace() + second.sigma.trace() - 2 * shared
    return distance.clamp(min=0)


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


class FrechetDistance(Moments):
    """Frechet distance of the features seen to a reference. From 0; the lower the better.

    Biased: it falls with the number of samples, so only scores of equally many compare.

    Raises:
        ScoreError: as `Moments`.
    """

    higher_is_better = False

    def __init__(self, reference: Statistics) -> None:
        super().__init__(dimension=len(reference.mu))
        self.reference = reference

    def compute(self) -> Float64[Tensor, ""]:  # type: ignore[override]
        """The distance."""
        return frechet_distance(super().compute(), self.reference)


class KeptFeatures(Metric):
    """The features of `samples` images in the order of their numbers, whatever order batches and workers came
    in.

    Raises:
        ScoreError: features are not finite; not each of the samples was seen exactly once.
    """

    full_state_update = False
    features: list[Tensor]
    index: list[Tensor]

    def __init__(self, samples: int) -> None:
        super().__init__(sync_on_compute=False)
        self.samples = samples
        self.add_state("features", [], dist_reduce_fx="cat")
        self.add_state("index", [], dist_reduce_fx="cat")

    def update(self, features: Float[Tensor, "n d"], index: Int64[Tensor, " n"]) -> None:
        """Add a batch; `index` is each image's number among all."""
        require_finite(features)
        self.features.append(features)
        self.index.append(index.to(self.device))  # from where the features are: workers exchange both

    def compute(self) -> Float[Tensor, "n d"]:
        """All features."""
        index = dim_zero_cat(self.index).cpu()
        if not torch.equal(index.sort().values, torch.arange(self.samples)):
            raise ScoreError(f"expected {self.samples} samples once each, got {len(index)}")
        return dim_zero_cat(self.features)[index.argsort().to(self.device)]
