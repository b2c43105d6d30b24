"""The interface of a loss: a frozen value with its options. Imports no torch.

Shapes: n real images, m generated ones, k outputs of the discriminator.
"""

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from search_space.frozen import Frozen

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class GanLoss(Frozen):
    """Losses of D and G from D's outputs; modules that need torch are imported by the methods."""

    name: str
    """Literal in each loss; the name in the registry."""
    outputs: ClassVar[int] = 1
    """Numbers that D gives an image."""
    needs_real: ClassVar[bool] = False
    """Whether the generator's loss looks at real images too, at as many as there are generated ones."""

    @property
    def changes_after(self) -> int | None:
        """Evaluations in a row without a better score after which the loss changes; None: it never does."""
        return None

    def changed(self, times: int) -> "GanLoss":  # noqa: ARG002
        """The loss after so many changes."""
        return self

    @property
    def penalizes_gradients(self) -> bool:
        """Whether `penalty` is wanted: D is then differentiated twice."""
        return False

    @abstractmethod
    def discriminator(
        self, real: "Float[Tensor, 'n k']", fake: "Float[Tensor, 'm k']"
    ) -> "Float[Tensor, '']":
        """Loss of D, of its outputs for real and for generated images."""

    @abstractmethod
    def generator(
        self, fake: "Float[Tensor, 'm k']", real: "Float[Tensor, 'n k'] | None" = None
    ) -> "Float[Tensor, '']":
        """Loss of G, of D's outputs for its images; of those for real ones too, if it needs them."""

    def penalty(
        self,
        outputs: "Float[Tensor, 'n k']",
        images: "Float[Tensor, 'n c s s']",  # noqa: ARG002
    ) -> "Float[Tensor, '']":
        """The term that is added to the loss of D if `penalizes_gradients`: zero, unless a loss overrides it.

        The outputs are those for real images, as functions of these.
        """
        return outputs.new_zeros(())
