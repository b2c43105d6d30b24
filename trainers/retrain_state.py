"""The state of a retraining: a derived generator, its moving average, a discriminator, two optimizers."""

import copy

import torch
from torch import nn

from search_space.genotype import Genotype, build
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.discriminator import require_images
from search_space.networks.fixed_discriminator import FixedDiscriminator
from search_space.networks.generator import ImageGenerator, derived_generator
from trainers.compute import prepare
from trainers.config import RetrainConfig
from trainers.guarded_step import Phase, adam
from trainers.losses.schedule import LossSchedule
from trainers.noise import seed_for
from trainers.options import ComputeConfig, Initialisation
from trainers.state import TrainingState, initialise_as_released


class RetrainState(TrainingState):
    """The one mutable object of a retraining; all of it is in the checkpoint."""

    def __init__(
        self,
        generator: ImageGenerator,
        discriminator: nn.Module,
        config: RetrainConfig,
        device: torch.device,
        compute: ComputeConfig | None = None,
    ) -> None:
        self.generator = generator.to(device)
        self.discriminator = discriminator.to(device)
        self.ema_generator = copy.deepcopy(self.generator).requires_grad_(False)
        compute = compute or ComputeConfig()
        twice = config.loss.penalizes_gradients
        prepare(self.discriminator, compute.for_second_derivatives() if twice else compute)
        for network in (self.generator, self.ema_generator):
            prepare(network, compute)
        self.optimizers: dict[Phase, torch.optim.Adam] = {
            "generator": adam(list(self.generator.parameters()), config.generator_optimizer),
            "discriminator": adam(list(self.discriminator.parameters()), config.discriminator_optimizer),
        }
        parts = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "ema_generator": self.ema_generator,
        }
        self.schedule = LossSchedule()
        if config.loss.changes_after is not None:
            parts["loss_schedule"] = self.schedule
        optimizers = {f"{phase}_optimizer": optimizer for phase, optimizer in self.optimizers.items()}
        super().__init__({**parts, **optimizers}, device)


def build_networks(
    generator: GeneratorConfig,
    discriminator: DiscriminatorConfig,
    genotypes: dict[str, Genotype],
    seed: int,
    outputs: int = 1,
    initialisation: Initialisation = "xavier",
) -> tuple[ImageGenerator, nn.Module]:
    """A derived generator and a discriminator: the derived one if its genotype is given, else the fixed one.

    `outputs` are what the discriminator gives an image. The same seed gives the same initial parameters on
    every worker.

    Raises:
        UserError: the discriminator does not take the generator's images.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(seed, "initial parameters"))
        derived = derived_generator(generator, genotypes["generator"])
        opponent = (
            build(genotypes["discriminator"], discriminator, outputs)
            if "discriminator" in genotypes
            else FixedDiscriminator(discriminator, outputs)
        )
        if initialisation == "released":
            initialise_as_released(derived, opponent)
    require_images(opponent, discriminator, generator.image_size)
    return derived, opponent
