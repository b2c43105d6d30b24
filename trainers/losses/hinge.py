"""The hinge losses of the two players (Lim and Ye 2017; SNGAN; AdversarialNAS section 3.3)."""

from typing import TYPE_CHECKING, Literal

from trainers.losses.loss import GanLoss

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class Hinge(GanLoss):
    """Margins of 1 on both sides."""

    name: Literal["hinge"] = "hinge"

    def discriminator(
        self, real: "Float[Tensor, 'n k']", fake: "Float[Tensor, 'm k']"
    ) -> "Float[Tensor, '']":
        """Real scores are pushed above 1, fake ones below -1. It is 2 when D knows nothing."""
        return (1 - real).relu().mean() + (1 + fake).relu().mean()

    def generator(
        self,
        fake: "Float[Tensor, 'm k']",
        real: "Float[Tensor, 'n k'] | None" = None,  # noqa: ARG002
    ) -> "Float[Tensor, '']":
        """The images of G are to score high."""
        return -fake.mean()
