"""The state of a one-shot search: supernets with their moving averages, and the scored genotypes."""

import copy
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from search_space.evolution.evolution import Evolution
from search_space.networks.discriminator import Discriminator, require_images
from search_space.networks.fixed_discriminator import FixedDiscriminator
from search_space.networks.generator import ImageGenerator
from search_space.networks.paths import used_rows
from search_space.spaces.registry import find_space
from trainers.compute import prepare
from trainers.noise import seed_for
from trainers.options import AdamConfig
from trainers.state import TrainingState, initialise_as_released
from trainers.strategies.one_shot_config import OneShotConfig
from trainers.strategies.row_adam import RowAdam
from trainers.strategies.strategy import SearchSetup


class Supernet:
    """One of the supernets, with its opponent and optimizers."""

    def __init__(self, number: int, options: OneShotConfig, setup: SearchSetup) -> None:
        config, space, outputs = setup.config, setup.config.space, setup.config.loss.outputs
        self.seed = seed_for(setup.seed, "supernet", number)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(self.seed, "initial parameters"))
            self.generator = cast(
                ImageGenerator, find_space(space).build("generator", setup.generator, None, 1)
            ).to(setup.device)
            self.discriminator: nn.Module = (
                FixedDiscriminator(setup.discriminator, outputs)
                if options.opponent == "fixed"
                else Discriminator(setup.discriminator, outputs=outputs, space=space)
            ).to(setup.device)
            if config.initialisation == "released":
                initialise_as_released(self.generator, self.discriminator)
        if options.opponent != "fixed":
            size = setup.generator.image_size
            require_images(self.discriminator, setup.discriminator, size, supernet=True)
        self.ema_generator = copy.deepcopy(self.generator).requires_grad_(False)
        for network in (self.generator, self.discriminator, self.ema_generator):
            prepare(network, setup.compute)
        self.kept = copy.deepcopy(self.ema_generator)
        """The average as of the last probe."""
        self.progress = Progress()
        self.generator_optimizer = _row_adam(self.generator, config.generator_optimizer)
        self.discriminator_optimizer = _row_adam(self.discriminator, config.discriminator_optimizer)

    @property
    def scored_generator(self) -> ImageGenerator:
        """The weights that paths inherit: those of the last probe that was not worse, if there was one."""
        return self.kept if bool(self.progress.median.isfinite()) else self.ema_generator


class Progress(nn.Module):
    """How the probes of a supernet went; on the processor, since every step looks at it."""

    median: Tensor
    stopped: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("median", torch.tensor(torch.inf, dtype=torch.float64))
        self.register_buffer("stopped", torch.tensor(0))
        """Steps after which the kept weights were made; 0 while the supernet is trained."""


class Scored:
    """Evolution as a part of a checkpoint."""

    def __init__(self, evolution: Evolution) -> None:
        self.evolution = evolution

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"scored": self.evolution.state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from them."""
        self.evolution.restore(state["scored"])


class OneShotState(TrainingState):
    """The one mutable object of a one-shot search; all of it is in the checkpoint."""

    def __init__(self, options: OneShotConfig, setup: SearchSetup) -> None:
        self.supernets = [Supernet(number, options, setup) for number in range(options.supernets)]
        seed = seed_for(setup.seed, "evolution")
        self.evolution = Evolution(options.evolution, setup.config.space, setup.generator, seed)
        names = ("generator", "discriminator", "ema_generator", "kept", "progress")
        optimizers = ("generator_optimizer", "discriminator_optimizer")
        parts = {
            f"supernet {number}: {name}": getattr(supernet, name)
            for number, supernet in enumerate(self.supernets)
            for name in (*names, *optimizers)
        }
        super().__init__({**parts, "evolution": Scored(self.evolution)}, setup.device)


def _row_adam(network: nn.Module, config: AdamConfig) -> RowAdam:
    return RowAdam(list(network.parameters()), list(used_rows(network, ())), config)
