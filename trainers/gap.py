"""The duality gap V(G, D') - V(G', D): what either player would win by some steps against the other one.

Source: alphaGAN (arXiv 2006.09134), where V is minus D's loss. It is 0 where neither player can win
anything, and no network has to look at images.
Shapes: n this worker's images of a batch.
"""

import copy
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial

import torch
from torch import Tensor, nn

from trainers.compute import autocast
from trainers.datasets.batches import Batches
from trainers.distributed import average
from trainers.guarded_step import GuardedStep, NonFiniteLoss, Phase, adam, frozen
from trainers.losses.update import discriminator_loss, generator_loss
from trainers.noise import SeededNoise, seed_for
from trainers.strategies.strategy import Players, SearchSetup, Strategy

GAP = "gap"
"""What it is reported as."""
MEASURED = 4
"""Batches that V is a mean over; none of them has strengthened a player."""


def duality_gap(strategy: Strategy, batches: Batches, setup: SearchSetup) -> float:
    """The gap of a search's two players as they are now; NaN where a strengthened one diverges.

    Copies are trained, with fresh moments at the search's learning rates; nothing of the search changes. All
    workers call it and get the same.
    """
    players = strategy.players()
    assert players is not None, "refused with the configuration"
    try:
        return _Match(players, batches, setup, strategy.state.step).gap()
    except NonFiniteLoss:
        return math.nan


class _Match:
    def __init__(self, players: Players, batches: Batches, setup: SearchSetup, step: int) -> None:
        self._players, self._batches, self._setup, self._step = players, batches, setup, step
        self._seed = seed_for(setup.seed, GAP, step)
        self._descend = GuardedStep(setup.device)

    def gap(self) -> float:
        gap = self._value(*self._stronger("discriminator")) - self._value(*self._stronger("generator"))
        self._descend.check()
        average([gap])
        return float(gap)

    def _stronger(self, phase: Phase) -> tuple[nn.Module, nn.Module]:
        """Copies of G and D, one of which has been trained against the other."""
        generator, discriminator = map(copy.deepcopy, (self._players.generator, self._players.discriminator))
        config = self._setup.config
        trained, rates = (
            (generator, config.generator_optimizer)
            if phase == "generator"
            else (discriminator, config.discriminator_optimizer)
        )
        optimizer = adam(list(trained.parameters()), rates)
        for number, (real, latents) in enumerate(self._inputs(0, config.gap_steps)):
            loss = self._loss(phase, (generator, discriminator), real, latents)
            self._descend(loss, optimizer, phase, number)
        return generator, discriminator

    def _loss(self, phase: Phase, networks: tuple[nn.Module, nn.Module], real: Tensor, z: Tensor) -> Tensor:
        generator, discriminator = networks
        scored, loss = partial(self._players.scored, discriminator), self._setup.config.loss
        with self._autocast():
            if phase == "generator":
                with frozen(discriminator):
                    return generator_loss(loss, real, self._players.images(generator, z), scored)
            with torch.no_grad():
                fake = self._players.images(generator, z)
            return discriminator_loss(loss, real, fake, scored)[0]

    @torch.no_grad()
    def _value(self, generator: nn.Module, discriminator: nn.Module) -> Tensor:
        """V: minus D's loss, without penalties."""
        values = []
        for real, latents in self._inputs(self._setup.config.gap_steps, MEASURED):
            with self._autocast():
                fake = self._players.images(generator, latents)
                outputs = self._players.scored(discriminator, torch.cat([real, fake]))
                values.append(-self._setup.config.loss.discriminator(*outputs.split([len(real), len(fake)])))
        return torch.stack(values).float().mean()

    def _inputs(self, first: int, count: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Real images that the search sees next, and latents of the gap's own."""
        setup = self._setup
        for number in range(first, first + count):
            noise = SeededNoise(self._seed, number, setup.generator.latent_dim, setup.device)
            latents = noise.latents("generator", setup.config.generator_batch_size)
            yield self._batches.at(self._step + number), latents

    def _autocast(self) -> AbstractContextManager[object]:
        return autocast(self._setup.compute, self._setup.device)
