"""The Frechet distance of Gaussians equals its closed forms."""

import math

import pytest
import torch

from trainers.metrics.moments import Statistics, frechet_distance, square_root


def gaussian(mu: list[float], sigma: list[list[float]]) -> Statistics:
    return Statistics(torch.tensor(mu, dtype=torch.float64), torch.tensor(sigma, dtype=torch.float64))


def rotation(size: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))[0]


def test_diagonal_covariances() -> None:
    first = gaussian([1.0, 2.0, 0.0], [[4.0, 0, 0], [0, 9.0, 0], [0, 0, 1.0]])
    second = gaussian([1.0, 0.0, 1.0], [[1.0, 0, 0], [0, 16.0, 0], [0, 0, 1.0]])
    means, deviations = 2.0**2 + 1, (2 - 1) ** 2 + (3 - 4) ** 2
    assert frechet_distance(first, second).item() == pytest.approx(means + deviations, abs=1e-12)


def test_full_covariances_with_common_axes() -> None:
    axes, generator = rotation(50), torch.Generator().manual_seed(1)
    variances = torch.rand(2, 50, generator=generator, dtype=torch.float64) + 0.1
    first, second = (Statistics(torch.zeros(50).double(), axes * row @ axes.T) for row in variances)
    expected = (variances[0].sqrt() - variances[1].sqrt()).square().sum()
    assert frechet_distance(first, second).item() == pytest.approx(expected.item(), rel=1e-12)


def test_covariances_that_do_not_commute() -> None:
    """In the plane tr (AB)^(1/2) = (tr AB + 2 (det AB)^(1/2))^(1/2)."""
    first, second = gaussian([0, 0], [[2.0, 0.5], [0.5, 1.0]]), gaussian([0, 0], [[1.0, -0.7], [-0.7, 3.0]])
    product = first.sigma @ second.sigma
    root = math.sqrt(product.trace().item() + 2 * math.sqrt(torch.linalg.det(product).item()))
    assert frechet_distance(first, second).item() == pytest.approx(3 + 4 - 2 * root, rel=1e-12)


def test_the_distance_is_symmetric_and_zero_to_itself() -> None:
    features = torch.randn(40, 7, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    first = Statistics(features.mean(0), features.T.cov())
    second = Statistics(features[:20].mean(0), features[:20].T.cov())
    assert frechet_distance(first, first).item() == pytest.approx(0, abs=1e-10)
    assert frechet_distance(first, second).item() == pytest.approx(frechet_distance(second, first).item())


def test_fewer_samples_than_features_leave_a_small_distance_to_oneself() -> None:
    features = torch.randn(10, 200, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    few = Statistics(features.mean(0), features.T.cov())
    assert frechet_distance(few, few).item() == pytest.approx(0, abs=1e-9 * few.sigma.trace().item())


def test_spaces_that_share_no_direction_share_no_variance() -> None:
    first = gaussian([0, 0, 0, 0], [[1.0, 0, 0, 0], [0, 2.0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    second = gaussian([0, 0, 0, 0], [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 3.0, 0], [0, 0, 0, 4.0]])
    assert frechet_distance(first, second).item() == pytest.approx(1 + 2 + 3 + 4)


def test_a_collapsed_generator_is_scored() -> None:
    constant, real = gaussian([1, 0], [[0, 0], [0, 0]]), gaussian([0, 0], [[2.0, 0.5], [0.5, 1.0]])
    assert frechet_distance(constant, real).item() == pytest.approx(1 + 3)
    assert frechet_distance(constant, constant).item() == 0


def test_the_root_of_a_singular_covariance_gives_it_back() -> None:
    axes = rotation(6)[:, :2]
    sigma = axes * torch.tensor([2.0, 0.5]).double() @ axes.T
    root = square_root(sigma)
    assert root.shape == (6, 2)
    torch.testing.assert_close(root @ root.T, sigma)
