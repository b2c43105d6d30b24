"""The Gaussians that feature distributions are summarised by, and the distance between two.

d features.
Source: Heusel et al., GANs trained by a two time-scale update rule, 2017 (arXiv 1706.08500), equation 6.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float64
from torch import Tensor


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
