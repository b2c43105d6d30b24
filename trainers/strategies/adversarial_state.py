"""What an adversarial search holds: supernets, alpha and beta, the moving average of G, optimizers."""

import copy

import torch
from torch import nn

from search_space.architecture import Architecture
from search_space.spaces.registry import find_space
from trainers.compute import prepare
from trainers.guarded_step import Phase, adam
from trainers.noise import seed_for
from trainers.options import AdamConfig
from trainers.state import TrainingState
from trainers.strategies.adversarial_config import AdversarialConfig
from trainers.strategies.strategy import SearchSetup


class SearchState(TrainingState):
    """The one mutable object of an adversarial search; all of it is in the checkpoint."""

    def __init__(self, options: AdversarialConfig, setup: SearchSetup) -> None:
        config, device, space = setup.config, setup.device, find_space(setup.config.space)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(setup.seed, "initial parameters"))
            self.generator = space.build("generator", setup.generator, None, 1).to(device)
            self.discriminator = space.build(
                "discriminator", setup.discriminator, None, config.loss.outputs
            ).to(device)
            self.alpha = Architecture("generator", space=space.name).to(device)
            self.beta = Architecture("discriminator", space=space.name).to(device)
        self.ema_generator = copy.deepcopy(self.generator).requires_grad_(False)
        self.ema_alpha = copy.deepcopy(self.alpha).requires_grad_(False)
        penalized = (
            setup.compute.for_second_derivatives() if config.loss.penalizes_gradients else setup.compute
        )
        prepare(self.discriminator, penalized)
        for network in (self.generator, self.ema_generator):
            prepare(network, setup.compute)
        self.optimizers: dict[Phase, torch.optim.Adam] = {
            "generator": _adam(self.generator, config.generator_optimizer),
            "discriminator": _adam(self.discriminator, config.discriminator_optimizer),
            "alpha": _adam(self.alpha, options.alpha_optimizer),
            "beta": _adam(self.beta, options.beta_optimizer),
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
