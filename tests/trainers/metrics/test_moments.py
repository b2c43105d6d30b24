"""Mean and covariance from sums, and the distance of two as a metric."""

import pytest
import torch

from trainers.metrics.errors import ScoreError
from trainers.metrics.moments import FrechetDistance, Moments, Statistics, require_finite


@pytest.fixture
def features() -> torch.Tensor:
    return torch.randn(30, 4, generator=torch.Generator().manual_seed(0)) * 3 + 5


@pytest.mark.parametrize("batch", [1, 7, 30])
def test_any_batch_size_gives_mean_and_unbiased_covariance(features: torch.Tensor, batch: int) -> None:
    moments = Moments(4)
    for rows in features.split(batch):
        moments.update(rows)
    mu, sigma = moments.compute()
    torch.testing.assert_close(mu, features.double().mean(0), rtol=1e-12, atol=0)
    torch.testing.assert_close(sigma, features.double().T.cov(), rtol=1e-11, atol=1e-12)


def test_merged_workers_give_what_one_gives(features: torch.Tensor) -> None:
    first, second, whole = Moments(4), Moments(4), Moments(4)
    first.update(features[:11])
    second.update(features[11:])
    whole.update(features)
    first.merge_state(second)
    torch.testing.assert_close(first.compute(), whole.compute(), rtol=1e-12, atol=1e-12)


def test_one_sample_has_no_covariance(features: torch.Tensor) -> None:
    moments = Moments(4)
    moments.update(features[:1])
    with pytest.raises(ScoreError, match="at least 2 samples, got 1"):
        moments.compute()


def test_features_of_another_width_are_refused() -> None:
    with pytest.raises(ScoreError, match="5 wide, expected 4"):
        Moments(4).update(torch.zeros(3, 5))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_features_that_are_not_numbers_are_counted_and_refused(features: torch.Tensor, value: float) -> None:
    features[3, 1] = features[8, 0] = value
    with pytest.raises(ScoreError, match="2 of 30 images are NaN or infinite"):
        require_finite(features)
    with pytest.raises(ScoreError, match="NaN"):
        Moments(4).update(features)


def features_of(mu: torch.Tensor, root: torch.Tensor, number: int = 500) -> torch.Tensor:
    """Features whose sample mean is mu and whose sample covariance is root root^T, exactly."""
    noise = torch.randn(number, len(mu), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    white = torch.linalg.qr(noise - noise.mean(0))[0] * (number - 1) ** 0.5
    return white @ root.T + mu


def test_features_of_two_known_gaussians_give_the_closed_form() -> None:
    axes = torch.linalg.qr(
        torch.randn(5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    )[0]
    deviations = torch.tensor([[1.0, 2, 3, 4, 5], [2.0, 2, 1, 4, 7]]).double()
    means = torch.tensor([[0.0, 0, 0, 0, 0], [1.0, 0, 2, 0, 0]]).double()
    reference = Statistics(means[0], axes * deviations[0].square() @ axes.T)
    metric = FrechetDistance(reference)
    for rows in features_of(means[1], axes * deviations[1]).split(64):
        metric.update(rows)
    expected = (1 + 4) + (1 + 0 + 4 + 0 + 4)
    torch.testing.assert_close(metric.compute().item(), float(expected), rtol=1e-10, atol=0)
