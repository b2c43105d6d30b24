"""The hinge losses of the two players (Lim and Ye 2017; SNGAN; AdversarialNAS section 3.3)."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def hinge_discriminator(
    real_scores: Float[Tensor, "n 1"], fake_scores: Float[Tensor, "m 1"]
) -> Float[Tensor, ""]:
    """Loss of D: real scores are pushed above 1, fake ones below -1. It is 2 when D knows nothing."""
    return F.relu(1 - real_scores).mean() + F.relu(1 + fake_scores).mean()


def hinge_generator(fake_scores: Float[Tensor, "n 1"]) -> Float[Tensor, ""]:
    """Loss of G: its images are to score high."""
    return -fake_scores.mean()
