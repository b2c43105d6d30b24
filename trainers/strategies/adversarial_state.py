"""The state of an adversarial search: supernets, alpha and beta, the moving average of G, optimizers."""

import copy
from collections import defaultdict

import torch
from torch import Tensor, nn

from search_space.architecture import Architecture
from search_space.networks.cell import Cell
from search_space.networks.discriminator import require_images
from search_space.networks.fixed_discriminator import FixedDiscriminator
from search_space.spaces.registry import find_space
from search_space.stacked import StackedConvolution
from trainers.compute import prepare
from trainers.guarded_step import Phase, adam
from trainers.noise import seed_for
from trainers.options import AdamConfig
from trainers.state import TrainingState, initialise_as_released
from trainers.strategies.adversarial_config import AdversarialConfig, KernelRates
from trainers.strategies.perturbation import Decisions
from trainers.strategies.strategy import SearchSetup

EQUAL_KERNEL = 3
"""Width of the kernels whose learning rate `by_taps` leaves as it is."""


class SearchState(TrainingState):
    """The one mutable object of an adversarial search; all of it is in the checkpoint."""

    def __init__(self, options: AdversarialConfig, setup: SearchSetup) -> None:
        config, device, space = setup.config, setup.device, find_space(setup.config.space)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(setup.seed, "initial parameters"))
            self.generator = space.build("generator", setup.generator, None, 1).to(device)
            self.discriminator: nn.Module = (
                FixedDiscriminator(setup.discriminator, config.loss.outputs)
                if options.opponent == "fixed"
                else space.build("discriminator", setup.discriminator, None, config.loss.outputs)
            ).to(device)
            if config.initialisation == "released":
                initialise_as_released(self.generator, self.discriminator)
            self.alpha = Architecture("generator", space=space.name).to(device)
            self.beta = (
                None
                if options.opponent == "fixed"
                else Architecture("discriminator", space=space.name).to(device)
            )
        if self.beta is not None:
            size = setup.generator.image_size
            require_images(self.discriminator, setup.discriminator, size, supernet=True)
        self.ema_generator = copy.deepcopy(self.generator).requires_grad_(False)
        self.ema_alpha = copy.deepcopy(self.alpha).requires_grad_(False)
        penalized = (
            setup.compute.for_second_derivatives() if config.loss.penalizes_gradients else setup.compute
        )
        prepare(self.discriminator, penalized)
        for network in (self.generator, self.ema_generator):
            prepare(network, setup.compute)
        rates = options.kernel_learning_rate
        self.optimizers: dict[Phase, torch.optim.Adam] = {
            "generator": _weights_adam(self.generator, config.generator_optimizer, rates),
            "discriminator": _weights_adam(self.discriminator, config.discriminator_optimizer, rates),
            "alpha": _adam(self.alpha, options.alpha_optimizer),
        }
        parts: dict[str, nn.Module] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "alpha": self.alpha,
        }
        self.decisions = Decisions(self.alpha).to(device)
        if options.derive == "perturbation":
            parts["decisions"] = self.decisions
        if self.beta is not None:
            self.optimizers["beta"] = _adam(self.beta, options.beta_optimizer)
            parts["beta"] = self.beta
        parts |= {"ema_generator": self.ema_generator, "ema_alpha": self.ema_alpha}
        optimizers = {f"{phase}_optimizer": optimizer for phase, optimizer in self.optimizers.items()}
        super().__init__({**parts, **optimizers}, device)


def _adam(module: nn.Module, config: AdamConfig) -> torch.optim.Adam:
    return adam(list(module.parameters()), config)


def _weights_adam(network: nn.Module, config: AdamConfig, rates: KernelRates) -> torch.optim.Adam:
    optimizer = _adam(network, config)
    if rates == "by_taps":
        (group,) = optimizer.param_groups
        sizes = _kernel_sizes(network)
        by_size: dict[int, list[nn.Parameter]] = defaultdict(list)
        for parameter in group["params"]:
            by_size[sizes.get(parameter, EQUAL_KERNEL)].append(parameter)
        optimizer.param_groups[:] = [
            {**group, "params": parameters, "lr": config.lr * EQUAL_KERNEL**2 / size**2}
            for size, parameters in by_size.items()
        ]
    return optimizer


def _kernel_sizes(network: nn.Module) -> dict[Tensor, int]:
    """Kernel sizes of the convolutions that are choices of an edge."""
    return {
        operation.weight: operation.weight.shape[-1]
        for cell in network.modules()
        if isinstance(cell, Cell)
        for filling, operation in cell.operations().items()
        if filling.primitive.operation == "conv" and isinstance(operation, StackedConvolution)
    }
