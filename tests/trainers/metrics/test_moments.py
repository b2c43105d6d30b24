"""Mean and covariance from sums."""

import pytest
import torch

from trainers.metrics.errors import ScoreError
from trainers.metrics.moments import Moments, require_finite


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
