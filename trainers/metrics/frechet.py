"""Frechet distance between the features of generated and of real images: FID when Inception sees them."""

from jaxtyping import Float64
from torch import Tensor

from trainers.metrics.moments import Moments, Statistics, frechet_distance


class FrechetDistance(Moments):
    """Frechet distance of the features seen to a reference. From 0; the lower the better.

    Biased: it falls with the number of samples, so only scores of equally many compare.

    Raises:
        ScoreError: as `Moments`.
    """

    higher_is_better = False

    def __init__(self, reference: Statistics) -> None:
        super().__init__(dimension=len(reference.mu))
        self.reference = reference

    def compute(self) -> Float64[Tensor, ""]:  # type: ignore[override]
        """The distance."""
        return frechet_distance(super().compute(), self.reference)
