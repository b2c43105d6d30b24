"""The kernel distance is the unbiased squared MMD of the cubic kernel."""

import pytest
import torch

from trainers.metrics.errors import ScoreError
from trainers.metrics.kernel import KernelDistance, squared_mmd


def kernel(x: torch.Tensor, y: torch.Tensor) -> float:
    return (float(x @ y) / len(x) + 1) ** 3


def by_pairs(x: torch.Tensor, y: torch.Tensor) -> float:
    """The estimator written out pair by pair."""
    m = len(x)
    others = [(i, j) for i in range(m) for j in range(m) if i != j]
    within = sum(kernel(x[i], x[j]) + kernel(y[i], y[j]) for i, j in others) / (m * (m - 1))
    return within - 2 * sum(kernel(a, b) for a in x for b in y) / m**2


@pytest.fixture
def sets() -> tuple[torch.Tensor, torch.Tensor]:
    noise = torch.randn(2, 12, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return noise[0], noise[1] + 1


def test_the_estimate_equals_the_sum_over_pairs(sets: tuple[torch.Tensor, torch.Tensor]) -> None:
    assert squared_mmd(*sets).item() == pytest.approx(by_pairs(*sets), rel=1e-12)


def test_subsets_of_everything_all_give_the_same(sets: tuple[torch.Tensor, torch.Tensor]) -> None:
    generated, real = sets
    metric = KernelDistance(real, samples=12, subset_size=12)
    for index in torch.arange(12).split(5):
        metric.update(generated[index], index)
    mean, deviation = metric.compute()
    assert mean.item() == pytest.approx(by_pairs(generated, real), rel=1e-12)
    assert deviation.item() == pytest.approx(0, abs=1e-12)


def test_the_order_samples_come_in_does_not_matter(sets: tuple[torch.Tensor, torch.Tensor]) -> None:
    generated, real = sets
    results = []
    for order in (torch.arange(12), torch.arange(12).flip(0)):
        metric = KernelDistance(real, samples=12, subset_size=4)
        metric.update(generated[order], order)
        results.append(metric.compute())
    assert results[0] == results[1]
    assert results[0][1] > 0


def test_too_few_images_are_refused_with_the_number_needed() -> None:
    with pytest.raises(ScoreError, match=r"1000 images.*got 1000 generated and 999 real"):
        KernelDistance(torch.zeros(999, 3), samples=1000)


def test_features_of_another_width_are_refused(sets: tuple[torch.Tensor, torch.Tensor]) -> None:
    metric = KernelDistance(sets[1], samples=12, subset_size=4)
    metric.update(torch.zeros(12, 4), torch.arange(12))
    with pytest.raises(ScoreError, match="4 wide, the reference's 5"):
        metric.compute()
