"""The distance as a metric fed with features."""

import torch

from trainers.metrics.frechet import FrechetDistance
from trainers.metrics.moments import Statistics


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
