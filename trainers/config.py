"""Settings of searches and retrainings. Imports no torch."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from search_space.frozen import Frozen
from search_space.space import DEFAULT_SPACE
from search_space.spaces.registry import SPACES, find_space
from trainers.losses.hinge import Hinge
from trainers.losses.registry import Loss
from trainers.options import AdamConfig, Initialisation
from trainers.strategies.adversarial_config import AdversarialConfig
from trainers.strategies.registry import STRATEGIES, StrategyOptions


def _known_space(name: str) -> str:
    if name not in SPACES:
        raise ValueError(f"must be one of {', '.join(SPACES)}")
    return name


SpaceName = Annotated[str, AfterValidator(_known_space)]
"""One of the registered spaces."""


class SearchConfig(Frozen):
    """A search; defaults are the released values where the released code is right (section 3.3)."""

    space: SpaceName = DEFAULT_SPACE
    """The space of networks that the search chooses from. A retraining uses the space of its genotype."""
    strategy: StrategyOptions = AdversarialConfig()
    """The method that chooses among the networks. A name alone takes the strategy with its defaults."""
    loss: Loss = Hinge()
    """The loss of both players. A name alone takes the loss with its defaults."""
    steps: PositiveInt = 10_000
    """Number of discriminator steps. Every `n_critic`-th step also updates the generator."""
    batch_size: PositiveInt = 120
    """Real images per step on all workers together: half for D's weights, half for beta."""
    generator_batch_size: PositiveInt = 120
    """Latents per generator update on all workers together."""
    n_critic: PositiveInt = 5
    """Discriminator steps per generator step."""
    generator_optimizer: AdamConfig = AdamConfig()
    """Trains G's weights."""
    discriminator_optimizer: AdamConfig = AdamConfig()
    """Trains D's weights."""
    ema_decay: float = Field(default=0.999, ge=0, lt=1)
    """Decay of the moving average of G's weights, per generator step."""
    report_every: PositiveInt = 100
    """Steps between reports; each is a checkpoint, a derivation and a grid of samples."""
    initialisation: Initialisation = "xavier"
    """released: D's convolutions start sqrt(3) smaller, as PyTorch does, since xavier never reached them on a
    GPU; weights of G's BatchNorm are N(1, 0.02)."""
    gap_steps: PositiveInt = 20
    """For metric `gap`: number of updates of a copy of each player against the other one before the gap is
    measured."""

    @model_validator(mode="after")
    def _halves_are_equal(self) -> "SearchConfig":
        if self.batch_size % 2:
            raise ValueError("batch_size: has no equal halves; use an even number")
        return self

    @model_validator(mode="after")
    def _strategy_fits_the_space(self) -> "SearchConfig":
        if self.misfit:
            raise ValueError(self.misfit)
        return self

    @property
    def misfit(self) -> str | None:
        """Why the strategy cannot search the space, after the option at fault; None where it can."""
        space = find_space(self.space)
        if fault := self.strategy.unfit(space):
            fit = [name for name, strategy in STRATEGIES.items() if strategy(name=name).unfit(space) is None]
            if not fit:
                return f"space: {fault}; choose another one"
            return f"strategy.name: {fault}; use {' or '.join(fit)}"
        if self.strategy.needs_discriminator and "discriminator" not in space.cells:
            return f"strategy.opponent: the space {space.name} has no discriminators; use fixed"
        return None

    def updates_generator(self, step: int) -> bool:
        """Whether the generator is updated in a step, counted from 0."""
        return step % self.n_critic == 0


class RetrainConfig(Frozen):
    """Training of one derived network from scratch; defaults are those published for CIFAR-10."""

    loss: Loss = Hinge()
    """The loss of both players. A name alone takes the loss with its defaults."""
    steps: PositiveInt = 750_000
    """Number of discriminator steps. Every `n_critic`-th step also updates the generator."""
    batch_size: PositiveInt = 40
    """Real images per step on all workers together; all of them are used, as in the first release."""
    generator_batch_size: PositiveInt = 80
    """Latents per generator update on all workers together."""
    n_critic: PositiveInt = 5
    """Discriminator steps per generator step."""
    generator_optimizer: AdamConfig = AdamConfig()
    """Trains G's weights."""
    discriminator_optimizer: AdamConfig = AdamConfig()
    """Trains D's weights."""
    separate_forwards: bool = False
    """As released: real and generated images pass D one after the other, each after a power iteration of its
    own. Default: together."""
    initialisation: Initialisation = "xavier"
    """released: D's convolutions start sqrt(3) smaller, as PyTorch does, since xavier never reached them on a
    GPU; weights of G's BatchNorm are N(1, 0.02)."""
    lr_decay: Literal["none", "linear"] = "none"
    """Schedule of both learning rates: `linear` lets them fall to zero."""
    lr_decay_from: float = Field(default=0.0, ge=0, lt=1)
    """Share of the steps with constant learning rates before `linear` begins."""
    clip_gradient_norm: PositiveFloat | None = None
    """Largest norm of the averaged gradients of either network (50 keeps STL-10 from collapsing: EAGAN)."""
    ema_decay: float = Field(default=0.999, ge=0, lt=1)
    """Decay of the moving average of G's weights, per generator step."""
    report_every: PositiveInt = 5_000
    """Steps between reports; each is a checkpoint and a grid of samples."""

    def lr_factor(self, step: int) -> float:
        """Share of the learning rates that a step, counted from 0, still has."""
        if self.lr_decay == "none":
            return 1.0
        begin = self.lr_decay_from * self.steps
        return min(1.0, (self.steps - step) / (self.steps - begin))
