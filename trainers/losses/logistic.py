"""The logistic losses (Goodfellow et al. 2014), with R1 if asked for (Mescheder et al. 2018)."""

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat

from trainers.losses.loss import GanLoss

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class Logistic(GanLoss):
    """Cross-entropy of D as a classifier; G's is the non-saturating one."""

    name: Literal["logistic"] = "logistic"
    r1: NonNegativeFloat = 0.0
    """gamma: D pays gamma / 2 times the mean squared gradient of its scores at real images."""

    @property
    def penalizes_gradients(self) -> bool:
        """Whether R1 is on."""
        return self.r1 > 0

    def discriminator(
        self, real: "Float[Tensor, 'n k']", fake: "Float[Tensor, 'm k']"
    ) -> "Float[Tensor, '']":
        """Real scores are to be high, fake ones low. It is 2 log 2 when D knows nothing."""
        from torch.nn import functional as F

        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def generator(
        self,
        fake: "Float[Tensor, 'm k']",
        real: "Float[Tensor, 'n k'] | None" = None,  # noqa: ARG002
    ) -> "Float[Tensor, '']":
        """The images of G are to be taken for real ones."""
        from torch.nn import functional as F

        return F.softplus(-fake).mean()

    def penalty(
        self, outputs: "Float[Tensor, 'n k']", images: "Float[Tensor, 'n c s s']"
    ) -> "Float[Tensor, '']":
        """The penalty R1, as a mean over images."""
        import torch

        (gradients,) = torch.autograd.grad(outputs.sum(), images, create_graph=True)
        return self.r1 / 2 * gradients.square().flatten(1).sum(1).mean()
