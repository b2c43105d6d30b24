"""Settings of retraining a derived generator; defaults are those published for CIFAR-10."""

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from search_space.frozen import Frozen
from trainers.guarded_step import AdamConfig


class RetrainConfig(Frozen):
    """Training of one derived network from scratch."""

    steps: PositiveInt = 750_000
    """Discriminator steps; every `n_critic`-th also updates the generator."""
    batch_size: PositiveInt = 40
    """Real images per step on all workers together; all of them are used, as in the first release."""
    generator_batch_size: PositiveInt = 80
    """Latents per generator update on all workers together."""
    n_critic: PositiveInt = 5
    generator_optimizer: AdamConfig = AdamConfig()
    discriminator_optimizer: AdamConfig = AdamConfig()
    lr_decay: Literal["none", "linear"] = "none"
    """`linear` takes both learning rates to zero over the steps."""
    clip_gradient_norm: PositiveFloat | None = None
    """Largest norm of the averaged gradients of either network (50 keeps STL-10 from collapsing: EAGAN)."""
    ema_decay: float = Field(default=0.999, ge=0, lt=1)
    report_every: PositiveInt = 5_000
    """Steps between reports; each is a checkpoint and a grid of samples."""

    def lr_factor(self, step: int) -> float:
        """Share of the learning rates that a step, counted from 0, still has."""
        return 1 - step / self.steps if self.lr_decay == "linear" else 1.0
