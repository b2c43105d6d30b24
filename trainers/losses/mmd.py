"""Maximum mean discrepancy of D's outputs, with a repulsive loss of D whose kernels are bounded.

Source: Wang et al. 2019 (arXiv 1812.09916) as MMD-AdversarialNAS uses it, commits 1f67f58 and 12be415.

Shapes: n real images, m generated ones, k outputs of the discriminator.
"""

import logging
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from search_space.errors import UserError
from trainers.losses.loss import GanLoss

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

logger = logging.getLogger(__name__)


class Mmd(GanLoss):
    """The maximum mean discrepancy between generated and real images of all workers.

    It compares as many generated images as real ones; the surplus at the end is dropped with a message.
    """

    name: Literal["mmd"] = "mmd"
    upper_bound: PositiveFloat = 4.0
    """D repels real outputs up to this squared distance."""
    lower_bound: PositiveFloat = 0.25
    """D attracts generated outputs down to this squared distance."""
    upper_limit: PositiveFloat = 32.0
    """The upper bound doubles up to this one (the later release: 64)."""
    patience: PositiveInt | None = 6
    """Evaluations in a row without a better score after which the upper bound doubles; null: it stays. In
    searches and in retrainings without evaluations it stays too."""
    kick: NonNegativeFloat = 0.0
    """Weight of the mean root of L1 distances between generated outputs, added to D's loss; 1e-4 in the
    "modified" loss, to start D quickly."""
    outputs: ClassVar[int] = 16
    needs_real: ClassVar[bool] = True

    def discriminator(
        self, real: "Float[Tensor, 'n k']", fake: "Float[Tensor, 'm k']"
    ) -> "Float[Tensor, '']":
        """Real outputs repel each other, generated ones attract each other."""
        real, fake = _of_all_workers(real, fake)
        with _full_precision(real):
            repelled = _squared_distances(real, real).clamp(max=self.upper_bound)
            attracted = _squared_distances(fake, fake).clamp(min=self.lower_bound)
            loss = _between(_kernel(repelled)) - _between(_kernel(attracted))
            if self.kick:
                manhattan = (fake.unsqueeze(1) - fake.unsqueeze(0)).abs().sum(-1)
                loss = loss + self.kick * _between(manhattan.clamp(min=self.lower_bound).sqrt())
            return loss

    def generator(
        self, fake: "Float[Tensor, 'm k']", real: "Float[Tensor, 'n k'] | None" = None
    ) -> "Float[Tensor, '']":
        """The squared discrepancy of real and generated outputs; unbiased, so it may be below 0."""
        assert real is not None, "needs_real says so"
        real, fake = _of_all_workers(real, fake)
        with _full_precision(real):
            within = _between(_kernel(_squared_distances(real, real)))
            within = within + _between(_kernel(_squared_distances(fake, fake)))
            return within - 2 * _kernel(_squared_distances(real, fake)).mean()

    @property
    def changes_after(self) -> int | None:
        """See `patience`."""
        return self.patience

    def changed(self, times: int) -> "Mmd":
        """The loss with its upper bound doubled that many times."""
        bound = min(self.upper_bound * 2.0**times, max(self.upper_limit, self.upper_bound))
        return self.model_copy(update={"upper_bound": bound})


def _of_all_workers(real: "Tensor", fake: "Tensor") -> "tuple[Tensor, Tensor]":
    import torch

    from trainers.distributed import gathered

    wide = torch.float64 if real.dtype == torch.float64 else torch.float32
    # Gathered before anything is dropped: which images that are must not depend on the number of workers.
    real, fake = gathered(real.to(wide)), gathered(fake.to(wide))
    count = min(len(real), len(fake))
    if count < 2:
        raise UserError("loss mmd compares pairs, found one image in an update; use a larger batch_size")
    if len(real) != len(fake):
        _say_what_is_dropped(len(real), len(fake))
    return real[:count], fake[:count]


@cache
def _say_what_is_dropped(real: int, fake: int) -> None:
    more, fewer = ("generated", "real") if fake > real else ("real", "generated")
    logger.warning(
        "loss mmd compares as many generated images as real ones: of an update's %d %s images %d are "
        "dropped, as there are %d %s ones; set generator_batch_size to match",
        max(real, fake), more, abs(real - fake), min(real, fake), fewer,
    )  # fmt: skip


def _full_precision(like: "Tensor"):  # type: ignore[no-untyped-def]
    """Outside autocast: losses are differences of kernels and need their digits."""
    import torch

    return torch.autocast(like.device.type, enabled=False)


def _squared_distances(a: "Float[Tensor, 'n k']", b: "Float[Tensor, 'm k']") -> "Float[Tensor, 'n m']":
    return (a.unsqueeze(1) - b.unsqueeze(0)).square().sum(-1)


def _kernel(squared: "Float[Tensor, 'n m']") -> "Float[Tensor, 'n m']":
    return (-squared / 2).exp()


def _between(pairs: "Float[Tensor, 'n n']") -> "Float[Tensor, '']":
    """Mean over pairs of different images."""
    count = len(pairs)
    return (pairs.sum() - pairs.diagonal().sum()) / (count * (count - 1))
