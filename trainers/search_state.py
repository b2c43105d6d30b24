"""What a search holds: two supernets, alpha and beta, the moving average of G, four optimizers."""

import copy

import torch
from torch import nn

from search_space.architecture import Architecture
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.discriminator import Discriminator
from search_space.networks.generator import Generator
from trainers.compute import ComputeConfig, prepare
from trainers.guarded_step import AdamConfig, Phase, adam
from trainers.search_config import SearchConfig
from trainers.seeding import seed_for
from trainers.state import TrainingState


class SearchState(TrainingState):
    """The one mutable object of a search; all of it is in the checkpoint."""

    def __init__(
        self,
        generator: GeneratorConfig,
        discriminator: DiscriminatorConfig,
        config: SearchConfig,
        seed: int,
        device: torch.device,
        compute: ComputeConfig | None = None,
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(seed, "initial parameters"))
            self.generator = Generator(generator).to(device)
            self.discriminator = Discriminator(discriminator).to(device)
            self.alpha = Architecture("generator").to(device)
            self.beta = Architecture("discriminator").to(device)
        self.ema_generator = copy.deepcopy(self.generator).requires_grad_(False)
        self.ema_alpha = copy.deepcopy(self.alpha).requires_grad_(False)
        for network in (self.generator, self.discriminator, self.ema_generator):
            prepare(network, compute or ComputeConfig())
        self.optimizers: dict[Phase, torch.optim.Adam] = {
            "generator": _adam(self.generator, config.generator_optimizer),
            "discriminator": _adam(self.discriminator, config.discriminator_optimizer),
            "alpha": _adam(self.alpha, config.alpha_optimizer),
            "beta": _adam(self.beta, config.beta_optimizer),
        }
        parts = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "alpha": self.alpha,
            "beta": self.beta,
            "ema_generator": self.ema_generator,
            "ema_alpha": self.ema_alpha,
        }
        optimizers = {f"{phase}_optimizer": optimizer for phase, optimizer in self.optimizers.items()}
        super().__init__({**parts, **optimizers}, device)


def _adam(module: nn.Module, config: AdamConfig) -> torch.optim.Adam:
    return adam(list(module.parameters()), config)
