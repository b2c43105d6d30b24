"""Precision and recall on points whose balls can be drawn by hand."""

import pytest
import torch

from trainers.metrics.errors import ScoreError
from trainers.metrics.precision_recall import PrecisionRecall, radii


def line(*points: float) -> torch.Tensor:
    """Points on an axis, as features."""
    return torch.tensor(points, dtype=torch.float64)[:, None]


def scored(generated: torch.Tensor, real: torch.Tensor) -> tuple[float, float]:
    metric = PrecisionRecall(real, samples=len(generated))
    metric.update(generated, torch.arange(len(generated)))
    precision, recall = metric.compute()
    return precision.item(), recall.item()


def test_a_ball_reaches_the_third_nearest_other_point() -> None:
    torch.testing.assert_close(radii(line(0, 1, 3, 7, 15)), torch.tensor([7.0, 6, 4, 7, 14]).double())


def test_points_far_from_the_real_ones_lower_precision_alone() -> None:
    precision, recall = scored(line(0.5, 1.5, 2.5, 100), real=line(0, 1, 2, 3))
    assert precision == 0.75  # 100 lies outside the real balls, which reach from -3 to 6
    assert recall == 1


def test_a_mode_that_is_never_generated_lowers_recall_alone() -> None:
    precision, recall = scored(line(0, 1, 2, 3), real=line(0, 1, 2, 3, 50, 51, 52, 53))
    assert precision == 1
    assert recall == 0.5


def test_the_same_images_score_one() -> None:
    images = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    assert scored(images, images) == (1, 1)


def test_fewer_than_four_images_are_refused() -> None:
    with pytest.raises(ScoreError, match=r"need 4 images.*got 3 generated and 9 real"):
        PrecisionRecall(torch.zeros(9, 2), samples=3)


def test_features_of_another_width_are_refused() -> None:
    with pytest.raises(ScoreError, match="2 wide, the reference's 1"):
        scored(torch.zeros(4, 2), line(0, 1, 2, 3))
