"""The shares of generated images that look real, and of real ones that could have been generated.

n samples, m real images, d features.
Source: Kynkaanniemi et al., Improved precision and recall metric, 2019 (arXiv 1904.06991), equations 1 and 2.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from trainers.metrics.errors import ScoreError
from trainers.metrics.moments import KeptFeatures

NEIGHBOURS = 3
ROWS = 1000
"""Images compared with all others at a time: bounds the memory."""


def radii(features: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """Distance of each image to its third nearest other one: together the balls cover the manifold."""
    nearest = [torch.cdist(rows, features).kthvalue(NEIGHBOURS + 1).values for rows in features.split(ROWS)]
    return torch.cat(nearest)


def on_manifold(points: Float[Tensor, "n d"], centres: Float[Tensor, "m d"]) -> Bool[Tensor, " n"]:
    """Which points lie in a ball around one of the centres."""
    reach = radii(centres)
    return torch.cat([(torch.cdist(rows, centres) <= reach).any(dim=1) for rows in points.split(ROWS)])


class PrecisionRecall(KeptFeatures):
    """Share of generated images on the manifold of the real ones, and the reverse. From 0 to 1.

    Raises:
        ScoreError: fewer than four images of a kind; other widths of features; as `KeptFeatures`.
    """

    higher_is_better = True

    def __init__(self, reference: Float[Tensor, "m d"], samples: int) -> None:
        super().__init__(samples)
        if min(samples, len(reference)) <= NEIGHBOURS:
            raise ScoreError(
                f"precision and recall need {NEIGHBOURS + 1} images of each kind, got"
                f" {samples} generated and {len(reference)} real ones"
            )
        self.reference = reference

    def compute(self) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:  # type: ignore[override]
        """Precision and recall."""
        generated, real = super().compute(), self.reference.to(self.device)
        if generated.shape[1] != real.shape[1]:
            raise ScoreError(f"features are {generated.shape[1]} wide, the reference's {real.shape[1]}")
        precision = on_manifold(generated, real).float().mean()
        return precision, on_manifold(real, generated).float().mean()
