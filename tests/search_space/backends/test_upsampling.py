"""Gradients of interpolation, where every run shall give the same bits."""

from collections.abc import Iterator

import pytest
import torch
from torch.nn import functional as F

from search_space.backends.upsampling import bilinear_adjoint


@pytest.fixture
def deterministic() -> Iterator[None]:
    """As `compute.deterministic` sets it."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize(("small", "large"), [((4, 4), (8, 8)), ((2, 3), (8, 6))])
def test_products_give_the_gradient_of_bilinear_interpolation(
    small: tuple[int, int],
    large: tuple[int, int],
    float64: None,  # noqa: ARG001
    deterministic: None,  # noqa: ARG001
) -> None:
    image = torch.randn(2, 3, *small, requires_grad=True)
    gradient = torch.randn(2, 3, *large)
    larger = F.interpolate(image, large, mode="bilinear", align_corners=False)
    (expected,) = torch.autograd.grad(larger, image, gradient)
    torch.testing.assert_close(bilinear_adjoint(gradient, image.shape), expected)
