"""The one-shot search: supernets trained by single paths, then evolution over inherited scores.

Source: SPOS (Guo et al. 2020), FairNAS for strict fairness; several paths a step, and Adam's moments of an
operation stand still while it is not drawn.
Shapes: n this worker's share of a batch, c channels, s image size.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import median
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.networks.discriminator import Discriminator
from search_space.networks.generator import ImageGenerator
from search_space.networks.paths import used_rows
from search_space.networks.uncut import idle_parameters
from search_space.sampling import fair_genotype, sample_genotype
from search_space.topology import Network
from trainers.compute import autocast
from trainers.distributed import rank, world_size
from trainers.guarded_step import GuardedStep, frozen
from trainers.losses.update import Scored, discriminator_loss, generator_loss, score_statistics
from trainers.noise import NoiseSource, SeededNoise, seed_for
from trainers.samples import SampleGenerator
from trainers.state import copy_parameters, update_ema
from trainers.strategies.inherited import Score, calibration_latents, inherited, log_score
from trainers.strategies.one_shot_config import OneShotConfig
from trainers.strategies.one_shot_state import OneShotState, Supernet
from trainers.strategies.strategy import Batch, Diagnostics, Players, SearchSetup, Strategy


class OneShotSearch(Strategy):
    """Trains supernets; each of the last steps scores a candidate of evolution."""

    def __init__(self, options: OneShotConfig, setup: SearchSetup) -> None:
        require_shares(options, setup)
        self.state = OneShotState(options, setup)
        self._options, self._setup, self._config = options, setup, setup.config
        self._descend = GuardedStep(setup.device)
        self._score: Score | None = None
        self._latents = calibration_latents(
            options.calibration_latents, setup.generator.latent_dim, setup.seed, setup.device
        )

    @property
    def training_steps(self) -> int:
        """The number of steps before evolution."""
        return self._config.steps - (self._options.evolution.candidates if self._score else 0)

    def use_scores(self, score: Score) -> None:
        """Take what scores paths.

        Raises:
            UserError: as many steps as candidates leave none for training.
        """
        self._score = score
        if self.training_steps < 1:
            raise UserError(
                f"search.steps = {self._config.steps}: each of the last "
                f"{self._options.evolution.candidates} steps scores a candidate; use more, those that train "
                "besides"
            )

    def step(self, batch: Batch, noise: NoiseSource) -> Mapping[str, Tensor]:  # noqa: ARG002
        """Train every supernet that has not stopped, or score a candidate."""
        losses: dict[str, Tensor] = {}
        if self.state.step < self.training_steps:
            real = batch.whole()
            for supernet in self.state.supernets:
                if not supernet.progress.stopped:
                    losses = self._train(supernet, real)
            if self._score and (self.state.step + 1) % self._options.probe_every == 0:
                self._probe(self._score)
        elif self._score and not self.state.evolution.finished:
            self._evolve(self._score)
        self.state.step += 1
        return losses

    def sample(self) -> SampleGenerator:
        """The genotype that would be derived now, with the first supernet's weights."""
        return self.inherited(self.state.supernets[0], self.derived()["generator"])

    def players(self) -> Players:
        """The first supernet's networks, with the paths of the current step."""
        supernet = self.state.supernets[0]
        paths = _mine(self.paths(supernet, "generator"))
        opponents = _mine(self.paths(supernet, "discriminator"))
        fakes = self._config.generator_batch_size // world_size()

        def scored(network: nn.Module, images: Tensor) -> Tensor:
            if not isinstance(network, Discriminator):
                return cast(Tensor, network(images))
            return _by_paths(network, opponents, fakes, images)

        return Players(
            supernet.generator,
            supernet.discriminator,
            images=lambda network, latents: cast(ImageGenerator, network).of_paths(latents, paths),
            scored=scored,
        )

    def derived(self) -> Mapping[Network, Genotype]:
        """The best candidate; before there is any, the first that will be scored."""
        best = self.state.evolution.best(1, 0)
        return {"generator": best[0] if best else self.state.evolution.first()}

    def others(self) -> Sequence[Genotype]:
        """The best candidates after the derived one that differ from it and from each other enough."""
        return self.state.evolution.best(self._options.derivations, self._options.distance)[1:]

    def diagnostics(self) -> Diagnostics:
        """How the probes went, and how well the best candidate does."""
        scalars: dict[str, float] = {}
        for number, supernet in enumerate(self.state.supernets):
            if supernet.progress.median.isfinite():
                scalars[f"median_log_score_{number}"] = float(supernet.progress.median)
                scalars[f"stopped_{number}"] = float(supernet.progress.stopped)
        if self.state.evolution.scored:
            scalars["candidates"] = float(len(self.state.evolution.scored))
            scalars["best_fitness"] = min(self.state.evolution.fitness())
            if (agreement := self.state.evolution.agreement()) is not None:
                scalars["supernets_agree"] = agreement
        return Diagnostics(scalars)

    def check(self) -> None:
        """Wait for the device.

        Raises:
            NonFiniteLoss: with the phase and the step at which a loss was not finite.
        """
        self._descend.check()

    def inherited(self, supernet: Supernet, genotype: Genotype) -> ImageGenerator:
        """A path of a supernet, ready to be scored."""
        return inherited(supernet.scored_generator, genotype, self._latents)

    def paths(self, supernet: Supernet, network: Network) -> list[Genotype]:
        """The genotypes of the current step, one a share of the batch; the same on all workers."""
        numbers = range(self.state.step * self._options.paths, (self.state.step + 1) * self._options.paths)
        seed, space = seed_for(supernet.seed, f"paths {network}"), self._config.space
        if self._options.sampling == "fair":
            return [fair_genotype(network, seed, number, space) for number in numbers]
        return [sample_genotype(network, seed_for(seed, "path", number), space) for number in numbers]

    def _train(self, supernet: Supernet, real: Float[Tensor, "n c s s"]) -> dict[str, Tensor]:
        """One update of D and, if it is due, one of G, on the same images."""
        config, step = self._config, self.state.step
        paths, updates = self.paths(supernet, "generator"), config.updates_generator(step)
        scored, recompute = self._scored(supernet), updates and self._options.recompute
        noise = SeededNoise(supernet.seed, step, self._setup.generator.latent_dim, self._setup.device)
        latents = noise.latents("generator", config.generator_batch_size)
        with autocast(self._setup.compute, self._setup.device):
            with torch.set_grad_enabled(updates):
                fake = supernet.generator.of_paths(latents, _mine(paths), recompute=recompute)
            loss, real_scores, fake_scores = discriminator_loss(config.loss, real, fake.detach(), scored)
        self._descend(loss, supernet.discriminator_optimizer, "discriminator", step)
        losses = {
            "loss_discriminator": loss.detach(),
            **score_statistics(real_scores, fake_scores),
        }
        if updates:
            losses["loss_generator"] = self._update_generator(supernet, paths, real, fake, scored)
        return losses

    def _update_generator(
        self, supernet: Supernet, paths: Sequence[Genotype], real: Tensor, fake: Tensor, scored: Scored
    ) -> Tensor:
        with autocast(self._setup.compute, self._setup.device), frozen(supernet.discriminator):
            loss = generator_loss(self._config.loss, real, fake, scored)
        network = supernet.generator
        supernet.generator_optimizer.use(used_rows(network, paths), idle_parameters(network, paths))
        self._descend(loss, supernet.generator_optimizer, "generator", self.state.step)
        update_ema(supernet.ema_generator, supernet.generator, self._config.ema_decay)
        return loss.detach()

    def _scored(self, supernet: Supernet) -> Scored:
        """The opponent of this step: the fixed discriminator, or paths of the space's, a share each."""
        opponent = supernet.discriminator
        if not isinstance(opponent, Discriminator):
            return opponent
        paths = self.paths(supernet, "discriminator")
        supernet.discriminator_optimizer.use(used_rows(opponent, paths))
        return partial(_by_paths, opponent, _mine(paths), self._config.generator_batch_size // world_size())

    def _probe(self, score: Score) -> None:
        """Stop the supernets whose median score over fixed paths has not fallen since the last probe."""
        number = range(self._options.probe_paths)
        seed, space = self._setup.seed, self._config.space
        probes = [sample_genotype("generator", seed_for(seed, "probe", n), space) for n in number]
        for supernet in self.state.supernets:
            if supernet.progress.stopped:
                continue
            networks = (inherited(supernet.ema_generator, one, self._latents) for one in probes)
            found = median(log_score(score, network) for network in networks)
            if found < float(supernet.progress.median):
                supernet.progress.median.fill_(found)
                copy_parameters(supernet.kept, supernet.ema_generator)
            else:
                supernet.progress.stopped.fill_(self.state.step + 1 - self._options.probe_every)

    def _evolve(self, score: Score) -> None:
        candidate = self.state.evolution.ask()
        networks = (self.inherited(supernet, candidate) for supernet in self.state.supernets)
        self.state.evolution.tell(candidate, [log_score(score, network) for network in networks])


def require_shares(options: OneShotConfig, setup: SearchSetup) -> None:
    """Nothing, if every path gets as many images, and every worker as many paths.

    Raises:
        UserError: with the numbers that do.
    """
    paths, config = options.paths, setup.config
    for name in ("batch_size", "generator_batch_size"):
        if (size := getattr(config, name)) % paths:
            raise UserError(
                f"search.{name} = {size} has no {paths} equal shares, one a path; use "
                f"{size - size % paths + paths}, or other search.strategy.paths"
            )
    if paths % world_size():
        raise UserError(
            f"search.strategy.paths = {paths} cannot be spread evenly over {world_size()} workers; use "
            f"{paths - paths % world_size() + world_size()}"
        )


def _mine(paths: Sequence[Genotype]) -> Sequence[Genotype]:
    """This worker's."""
    each = len(paths) // world_size()
    return paths[rank() * each : (rank() + 1) * each]


def _by_paths(discriminator: Discriminator, paths: Sequence[Genotype], fakes: int, images: Tensor) -> Tensor:
    """Scores of images of which the last are generated, and those before them, if there are any, real."""
    groups = [group for group in images.split([len(images) - fakes, fakes]) if len(group)]
    if len(groups) == 1:
        return discriminator.of_paths(images, paths)
    shares = [group.chunk(len(paths)) for group in groups]
    pairs = [torch.cat(pair) for pair in zip(*shares, strict=True)]
    scores = discriminator.of_paths(torch.cat(pairs), paths).chunk(len(paths))
    real = len(shares[0][0])
    return torch.cat([*(one[:real] for one in scores), *(one[real:] for one in scores)])
