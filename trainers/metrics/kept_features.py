"""Features of single images, for scores that compare images with images.

n samples, d features.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from trainers.metrics.errors import ScoreError
from trainers.metrics.moments import require_finite


class KeptFeatures(Metric):
    """The features of `samples` images in the order of their numbers, whatever order batches and workers came
    in.

    Raises:
        ScoreError: features are not finite; not each of the samples was seen exactly once.
    """

    full_state_update = False
    features: list[Tensor]
    index: list[Tensor]

    def __init__(self, samples: int) -> None:
        super().__init__(sync_on_compute=False)
        self.samples = samples
        self.add_state("features", [], dist_reduce_fx="cat")
        self.add_state("index", [], dist_reduce_fx="cat")

    def update(self, features: Float[Tensor, "n d"], index: Int64[Tensor, " n"]) -> None:
        """Add a batch; `index` is each image's number among all."""
        require_finite(features)
        self.features.append(features)
        self.index.append(index)

    def compute(self) -> Float[Tensor, "n d"]:
        """All features."""
        index = dim_zero_cat(self.index).cpu()
        if not torch.equal(index.sort().values, torch.arange(self.samples)):
            raise ScoreError(f"expected {self.samples} samples once each, got {len(index)}")
        return dim_zero_cat(self.features)[index.argsort().to(self.device)]
