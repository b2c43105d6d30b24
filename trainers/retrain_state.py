"""Settings of retraining a derived generator; defaults are those published for CIFAR-10."""

import copy
from typing import Literal

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import nn

from search_space.frozen import Frozen
from search_space.genotype import Genotype
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.discriminator import Discriminator
from search_space.networks.fixed_discriminator import FixedDiscriminator
from search_space.networks.generator import Generator
from trainers.compute import ComputeConfig, prepare
from trainers.guarded_step import AdamConfig, Phase, adam
from trainers.seeding import seed_for
from trainers.state import TrainingState


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
    """`linear` takes both learning rates to zero."""
    lr_decay_from: float = Field(default=0.0, ge=0, lt=1)
    """Share of the steps that `linear` leaves at constant rates before it begins."""
    clip_gradient_norm: PositiveFloat | None = None
    """Largest norm of the averaged gradients of either network (50 keeps STL-10 from collapsing: EAGAN)."""
    ema_decay: float = Field(default=0.999, ge=0, lt=1)
    report_every: PositiveInt = 5_000
    """Steps between reports; each is a checkpoint and a grid of samples."""

    def lr_factor(self, step: int) -> float:
        """Share of the learning rates that a step, counted from 0, still has."""
        if self.lr_decay == "none":
            return 1.0
        begin = self.lr_decay_from * self.steps
        return min(1.0, (self.steps - step) / (self.steps - begin))


class RetrainState(TrainingState):
    """The one mutable object of a retraining; all of it is in the checkpoint."""

    def __init__(
        self,
        generator: Generator,
        discriminator: nn.Module,
        config: RetrainConfig,
        device: torch.device,
        compute: ComputeConfig | None = None,
    ) -> None:
        self.generator = generator.to(device)
        self.discriminator = discriminator.to(device)
        self.ema_generator = copy.deepcopy(self.generator).requires_grad_(False)
        for network in (self.generator, self.discriminator, self.ema_generator):
            prepare(network, compute or ComputeConfig())
        self.optimizers: dict[Phase, torch.optim.Adam] = {
            "generator": adam(list(self.generator.parameters()), config.generator_optimizer),
            "discriminator": adam(list(self.discriminator.parameters()), config.discriminator_optimizer),
        }
        parts = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "ema_generator": self.ema_generator,
        }
        optimizers = {f"{phase}_optimizer": optimizer for phase, optimizer in self.optimizers.items()}
        super().__init__({**parts, **optimizers}, device)


def build_networks(
    generator: GeneratorConfig, discriminator: DiscriminatorConfig, genotypes: dict[str, Genotype], seed: int
) -> tuple[Generator, nn.Module]:
    """A derived generator and a discriminator: the derived one if its genotype is given, else the fixed one.

    The same seed gives the same initial parameters on every worker.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(seed, "initial parameters"))
        derived = Generator(generator, genotypes["generator"])
        if "discriminator" in genotypes:
            return derived, Discriminator(discriminator, genotypes["discriminator"])
        return derived, FixedDiscriminator(discriminator)
