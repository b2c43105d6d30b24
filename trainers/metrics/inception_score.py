"""Inception score: images should be classified with confidence, and into many classes.

n samples, k classes, s splits.
Source: Salimans et al., Improved techniques for training GANs, 2016 (arXiv 1606.03498), section 4.
"""

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor
from torchmetrics import Metric

from trainers.metrics.errors import ScoreError
from trainers.metrics.moments import require_finite

SPLITS = 10
SHUFFLE_SEED = 2020
"""torch-fidelity's: its command and ours put the same sample into the same split."""


def split_of_each(samples: int, splits: int = SPLITS) -> Int64[Tensor, " n"]:
    """The split each sample counts in: consecutive tenths of a shuffled order.

    The published code does not shuffle. For samples of a generator that is the same, but a tenth of the
    files of a folder can be one class.
    """
    order = np.random.RandomState(SHUFFLE_SEED).permutation(samples)
    split = torch.empty(samples, dtype=torch.int64)
    for number in range(splits):
        split[order[number * samples // splits : (number + 1) * samples // splits]] = number
    return split


class InceptionScore(Metric):
    """exp(mean over samples of KL(p(class | image) || p(class))) in each split; their mean and deviation.

    From 1 to k; the higher the better. A split's KL is sum(p log p) / n - sum(q log q) with q = sum(p) / n:
    two sums per split, so batches and workers may come in any order as long as samples keep their index.

    Raises:
        ScoreError: logits are not finite; not all `samples` were seen once; fewer samples than splits.
    """

    full_state_update = False
    higher_is_better = True
    probabilities: Tensor
    negentropy: Tensor
    counts: Tensor
    split: Tensor

    def __init__(self, samples: int, classes: int, splits: int = SPLITS) -> None:
        super().__init__(sync_on_compute=False)
        if samples < splits:
            raise ScoreError(
                f"the Inception score needs at least {splits} samples, got {samples}; score more images"
            )
        self.register_buffer("split", split_of_each(samples, splits), persistent=False)
        self.add_state(
            "probabilities", torch.zeros(splits, classes, dtype=torch.float64), dist_reduce_fx="sum"
        )
        self.add_state("negentropy", torch.zeros(splits, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("counts", torch.zeros(splits, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, logits: Float[Tensor, "n k"], index: Int64[Tensor, " n"]) -> None:
        """Add a batch.

        Args:
            logits: classifier outputs before the softmax, without the last layer's bias where published so.
            index: each sample's number among all `samples`.
        """
        require_finite(logits)
        split = self.split[index]
        logarithm = logits.double().log_softmax(dim=1)
        p = logarithm.exp()
        self.probabilities.index_add_(0, split, p)
        self.negentropy.index_add_(0, split, (p * logarithm).sum(dim=1))
        self.counts += torch.bincount(split, minlength=len(self.counts))

    def compute(self) -> tuple[Float64[Tensor, ""], Float64[Tensor, ""]]:
        """Mean and (population) standard deviation over the splits."""
        if not torch.equal(self.counts, torch.bincount(self.split, minlength=len(self.counts))):
            raise ScoreError(f"expected {len(self.split)} samples once each, got {int(self.counts.sum())}")
        q = self.probabilities / self.counts[:, None]
        divergence = self.negentropy / self.counts - torch.xlogy(q, q).sum(dim=1)
        scores = divergence.exp()
        return scores.mean(), scores.std(correction=0)
