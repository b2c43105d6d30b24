"""Squared maximum mean discrepancy with a cubic kernel: KID when Inception sees the images.

n samples, m real images, s images in a subset, d features.
Source: Binkowski et al., Demystifying MMD GANs, 2018 (arXiv 1801.01401), section 4, and its released code.
"""

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from trainers.metrics.errors import ScoreError
from trainers.metrics.moments import KeptFeatures

SUBSETS = 100
SUBSET_SEED = 2020
"""torch-fidelity's: its command and ours draw the same subsets."""


def cubic_kernel(x: Float64[Tensor, "n d"], y: Float64[Tensor, "m d"]) -> Float64[Tensor, "n m"]:
    """(x . y / d + 1)^3 of all pairs."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def squared_mmd(x: Float64[Tensor, "s d"], y: Float64[Tensor, "s d"]) -> Float64[Tensor, ""]:
    """Unbiased estimate: pairs of an image with itself do not count, so that it can be slightly negative."""
    size = len(x)
    within = [kernel.sum() - kernel.trace() for kernel in (cubic_kernel(x, x), cubic_kernel(y, y))]
    return (within[0] + within[1]) / (size * (size - 1)) - 2 * cubic_kernel(x, y).mean()


class KernelDistance(KeptFeatures):
    """Mean and deviation, over 100 random subsets, of the squared MMD to real images. The lower the better.

    Unbiased: expectations of any number of samples compare.

    Raises:
        ScoreError: fewer generated or real images than a subset has; other widths of features; as
        `KeptFeatures`.
    """

    higher_is_better = False

    def __init__(self, reference: Float[Tensor, "m d"], samples: int, subset_size: int = 1000) -> None:
        super().__init__(samples)
        if min(samples, len(reference)) < subset_size:
            raise ScoreError(
                f"the kernel distance needs {subset_size} images of each kind"
                f" (retrain.evaluation.kd_subset_size), got {samples} generated and {len(reference)} real"
            )
        self.reference, self.subset_size = reference, subset_size

    def compute(self) -> tuple[Float64[Tensor, ""], Float64[Tensor, ""]]:  # type: ignore[override]
        """Mean and (population) standard deviation over the subsets."""
        generated, real = super().compute(), self.reference.to(self.device)
        if generated.shape[1] != real.shape[1]:
            raise ScoreError(f"features are {generated.shape[1]} wide, the reference's {real.shape[1]}")
        draw = np.random.RandomState(SUBSET_SEED)
        distances = []
        for _ in range(SUBSETS):
            x, y = (
                features[
                    torch.from_numpy(draw.choice(len(features), self.subset_size, replace=False))
                ].double()
                for features in (generated, real)
            )
            distances.append(squared_mmd(x, y))
        return torch.stack(distances).mean(), torch.stack(distances).std(correction=0)
