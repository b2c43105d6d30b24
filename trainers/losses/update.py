"""The losses of an update, wherever it happens: D scores images, a GanLoss makes one number of the scores.

Shapes: n real images, m generated ones, k outputs of the discriminator.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.losses.loss import GanLoss

Scored = Callable[[Tensor], Tensor]
"""A discriminator: images [n, c, s, s] -> outputs [n, k]."""


def discriminator_loss(
    loss: GanLoss,
    real: Float[Tensor, "n c s s"],
    fake: Float[Tensor, "m c s s"],
    scored: Scored,
    scored_apart: Scored | None = None,
) -> tuple[Float[Tensor, ""], Float[Tensor, "n k"], Float[Tensor, "m k"]]:
    """Loss of D, and its outputs for real and for generated images.

    One forward sees both, so that they meet the same spectral norms, after one power iteration; with
    `scored_apart`, that one sees the generated images.
    """
    if loss.penalizes_gradients:
        real = real.detach().requires_grad_()
    if scored_apart is None:
        real_outputs, fake_outputs = scored(torch.cat([real, fake])).split([len(real), len(fake)])
    else:
        real_outputs, fake_outputs = scored(real), scored_apart(fake)
    value = loss.discriminator(real_outputs, fake_outputs)
    if loss.penalizes_gradients:
        value = value + loss.penalty(real_outputs, real)
    return value, real_outputs, fake_outputs


def generator_loss(
    loss: GanLoss, real: Float[Tensor, "n c s s"], fake: Float[Tensor, "m c s s"], scored: Scored
) -> Float[Tensor, ""]:
    """Loss of G; D scores the real images too if the loss needs them."""
    if not loss.needs_real:
        return loss.generator(scored(fake))
    real_outputs, fake_outputs = scored(torch.cat([real, fake])).split([len(real), len(fake)])
    return loss.generator(fake_outputs, real_outputs)


def score_statistics(real: Float[Tensor, "n k"], fake: Float[Tensor, "m k"]) -> dict[str, Tensor]:
    """The knowledge of D: mean outputs, their deviation and, for a single output, the area under the ROC.

    A D whose area stays near 1/2 tells real images from generated ones no better than a coin, and its loss
    says nothing of G.
    """
    real, fake = real.detach(), fake.detach()
    statistics = {
        "score_real": real.mean(),
        "score_fake": fake.mean(),
        "score_spread": torch.cat([real, fake]).std(),
    }
    if real.shape[1] == 1:
        above = real - fake.T
        statistics["score_auc"] = (above > 0).float().mean() + (above == 0).float().mean() / 2
    return statistics
