"""The adversarial search: four updates a step, each differentiating its own loss at the current weights.

Source: AdversarialNAS algorithm 1, first order; update order and noise as in the released code.
Shapes: N this worker's share of half a batch, C channels, S image size, K outputs of D.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from search_space.architecture import Architecture, EdgeWeights
from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.networks.generator import ImageGenerator
from search_space.relaxation import derive, entropy, gumbel_noise, probabilities, relax
from search_space.topology import Network
from trainers.compute import autocast
from trainers.distributed import average_running_statistics
from trainers.guarded_step import PHASES, GuardedStep, Phase, frozen
from trainers.losses.update import Scored, discriminator_loss, generator_loss, score_statistics
from trainers.noise import NoiseSource, generator_for
from trainers.samples import SampleGenerator
from trainers.state import copy_buffers, copy_parameters, update_ema
from trainers.strategies.adversarial_config import AdversarialConfig
from trainers.strategies.adversarial_state import SearchState
from trainers.strategies.held_inputs import HeldInputs
from trainers.strategies.inherited import Score, calibration_latents
from trainers.strategies.perturbation import Perturbation, Place
from trainers.strategies.strategy import Batch, Diagnostics, Players, SearchSetup, Strategy

Losses = Mapping[str, Tensor]

CALIBRATION = 400
"""Latents of BatchNorm's statistics, where a supernet is scored without a primitive."""

SYMBOLS: Mapping[Network, str] = {"generator": "alpha", "discriminator": "beta"}


class AdversarialSearch(Strategy):
    """Supernets whose architecture parameters descend the losses of G and D."""

    def __init__(
        self, state: SearchState, options: AdversarialConfig, setup: SearchSetup, descend: GuardedStep
    ) -> None:
        self.state, self._descend = state, descend
        self._options, self._setup, self._config = options, setup, setup.config
        self._score: Score | None = None
        self.inputs = HeldInputs(self._tau(state.step), state.device)

    @property
    def searching_steps(self) -> int:
        """Those before edges are decided one by one: all of them where alpha decides."""
        return self._config.steps - (self._deciding_steps if self._score else 0)

    @property
    def _deciding_steps(self) -> int:
        return len(self.state.decisions.places) * self._options.perturbation_steps

    def use_scores(self, score: Score) -> None:
        """Take what scores the supernet without a primitive.

        Raises:
            UserError: too few steps to decide all edges.
        """
        if self._options.derive != "perturbation":
            return
        self._score = score
        if self.searching_steps < 1:
            raise UserError(
                f"search.steps = {self._config.steps}: the last {self._deciding_steps} decide an edge every "
                f"{self._options.perturbation_steps} (search.strategy.perturbation_steps); use more"
            )

    def step(self, batch: Batch, noise: NoiseSource) -> Losses:
        """Advance the state by one step; losses stay on the device."""
        if self._score is not None and (edge := self._edge_due()) is not None:
            self._decide(edge, self._score)
        due, step = self._phases_due(), self.state.step
        losses = self.updates(due, *self.inputs.begin(step, self._tau(step), batch.halves(), noise, due))
        self.state.step += 1
        return losses

    def updates(self, due: Sequence[Phase], weights_half: Tensor, architecture_half: Tensor) -> Losses:
        """The operations of a step, the same ones whenever the same phases are due: see `HeldInputs`."""
        state, losses = self.state, dict[str, Tensor]()
        if "beta" in due:
            losses["loss_beta"] = self.update_discriminator("beta", architecture_half)["loss"]
        update = self.update_discriminator("discriminator", weights_half)
        losses |= {"loss_discriminator": update["loss"], **score_statistics(update["real"], update["fake"])}
        if "alpha" in due:
            losses["loss_alpha"] = self.update_generator("alpha", architecture_half)
        if "generator" in due:
            losses["loss_generator"] = self.update_generator("generator", weights_half)
            update_ema(state.ema_generator, state.generator, self._config.ema_decay)
            update_ema(state.ema_alpha, state.alpha, self._config.ema_decay)
        # After every step: G's forwards in D's updates move these statistics too.
        average_running_statistics(state.generator)
        return losses

    def _phases_due(self) -> list[Phase]:
        step, generator = self.state.step, self._config.updates_generator(self.state.step)
        searching = self._options.warmup_steps <= step < self.searching_steps
        due = {"discriminator": True, "generator": generator, "alpha": generator and searching}
        due["beta"] = searching and self.state.beta is not None
        return [phase for phase in PHASES if due[phase]]

    def sample(self) -> SampleGenerator:
        """The moving average of the supernet as one sampled network, or one a batch, in evaluation mode."""
        state = self.state
        copy_buffers(state.ema_generator, state.generator)
        state.ema_generator.eval()
        generator = generator_for(state.device, self._setup.seed, "evaluation", state.step)
        tau = self._tau(state.step - 1)

        def sampled() -> EdgeWeights:
            noise = gumbel_noise(state.ema_alpha, generator)
            relaxed = relax(state.ema_alpha, self._options.relaxation, tau, noise)
            return self._with_decisions(state.ema_alpha, relaxed)

        if self._options.noise_per_batch:
            return lambda latents: state.ema_generator(latents, sampled())
        edge_weights = sampled()
        return lambda latents: state.ema_generator(latents, edge_weights)

    @torch.no_grad()
    def players(self) -> Players:
        """The two networks, under one sample of alpha and one of beta."""
        state = self.state
        generator = generator_for(state.device, self._setup.seed, "players", state.step)
        options, tau, masked = self._options, self._tau(state.step - 1), self._options.mask_image_edges
        weights = {
            player: self._with_decisions(
                one, relax(one, options.relaxation, tau, gumbel_noise(one, generator), masked=masked)
            )
            for player, one in self._architectures().items()
        }
        # A fixed opponent has no weights of edges.
        sampled = {"edge_weights": weights["discriminator"]} if "discriminator" in weights else {}
        return Players(
            state.generator,
            state.discriminator,
            images=lambda network, latents: network(latents, weights["generator"]),
            scored=lambda network, images: network(images, **sampled),
        )

    def scored(self) -> None:
        """Continue from the moving average, as the released code does, if configured."""
        if self._options.continue_from_ema:
            copy_parameters(self.state.generator, self.state.ema_generator)
            copy_parameters(self.state.alpha, self.state.ema_alpha)

    def derived(self) -> Mapping[Network, Genotype]:
        """The genotypes that alpha and beta stand for now."""
        found = {network: derive(one) for network, one in self._architectures().items()}
        if self._options.derive == "perturbation":
            found["generator"] = self.state.decisions.derived(self.state.alpha)
        return found

    def diagnostics(self) -> Diagnostics:
        """How decided alpha and beta are."""
        architectures = self._architectures()
        entropies = {f"entropy_{SYMBOLS[network]}": entropy(one) for network, one in architectures.items()}
        by_removal = self._options.derive == "perturbation"
        decided = {"edges_decided": float(self.state.decisions.count)} if by_removal else {}
        return Diagnostics(
            {"tau": self._tau(self.state.step - 1), **entropies, **decided},
            {network: probabilities(one) for network, one in architectures.items()},
        )

    def check(self) -> None:
        """Wait for the device.

        Raises:
            NonFiniteLoss: with the phase and the step at which a loss was not finite.
        """
        self._descend.check()

    def update_discriminator(self, phase: Phase, real: Tensor) -> dict[str, Tensor]:
        """Descend the loss of D in its weights or, in phase "beta", in its architecture."""
        state = self.state
        # Only what is stepped needs gradients: kernels of the other group are not differentiated at all.
        other = state.discriminator if phase == "beta" else state.beta
        with autocast(self._setup.compute, state.device), frozen(*_present(other)):
            with torch.no_grad():
                latents = self.inputs.latents(phase, self._config.batch_size // 2)
                fake = state.generator(latents, self._relaxed(state.alpha, phase, 0))
            forwards = range(2 if self._options.sample_per_forward else 1)
            scored, *apart = (self._scored(phase, forward) for forward in forwards)
            loss, real_scores, fake_scores = discriminator_loss(self._config.loss, real, fake, scored, *apart)
        self._descend(loss, state.optimizers[phase], phase, self.inputs.step)
        return {"loss": loss.detach(), "real": real_scores.detach(), "fake": fake_scores.detach()}

    def update_generator(self, phase: Phase, real: Tensor) -> Tensor:
        """Descend the loss of G in its weights or, in phase "alpha", in its architecture."""
        state = self.state
        latents = self.inputs.latents(phase, self._config.generator_batch_size)
        other = state.generator if phase == "alpha" else state.alpha
        with (
            autocast(self._setup.compute, state.device),
            frozen(other, state.discriminator, *_present(state.beta)),
        ):
            fake = state.generator(latents, self._relaxed(state.alpha, phase, 0))
            loss = generator_loss(self._config.loss, real, fake, self._scored(phase, 0))
        self._descend(loss, state.optimizers[phase], phase, self.inputs.step)
        return loss.detach()

    def _edge_due(self) -> Place | None:
        """The edge that is decided before this step."""
        number, rest = divmod(self.state.step - self.searching_steps, self._options.perturbation_steps)
        return self.state.decisions.in_order(self._setup.seed)[number] if number >= 0 and not rest else None

    def _decide(self, edge: Place, score: Score) -> None:
        state, seed = self.state, self._setup.seed
        latents = calibration_latents(CALIBRATION, self._setup.generator.latent_dim, seed, state.device)
        averaged = cast(ImageGenerator, state.ema_generator)
        supernet = Perturbation(averaged, state.alpha, state.decisions, latents)
        state.decisions.decide(edge, supernet.damage(edge, score))

    def _architectures(self) -> dict[Network, Architecture]:
        """The searched architectures: alpha, and beta unless the opponent is fixed."""
        alpha: dict[Network, Architecture] = {"generator": self.state.alpha}
        return alpha if self.state.beta is None else {**alpha, "discriminator": self.state.beta}

    def _scored(self, phase: Phase, forward: int) -> Scored:
        """The discriminator, under one sample of beta unless it is fixed."""
        if self.state.beta is None:
            return self.state.discriminator
        edge_weights = self._relaxed(self.state.beta, phase, forward)
        return partial(self.state.discriminator, edge_weights=edge_weights)

    def _relaxed(self, architecture: Architecture, phase: Phase, forward: int) -> EdgeWeights:
        options, inputs = self._options, self.inputs
        gumbel = None if options.relaxation == "softmax" else inputs.noise(phase, forward, architecture)
        weights = relax(architecture, options.relaxation, inputs.tau, gumbel, masked=options.mask_image_edges)
        return self._with_decisions(architecture, weights)

    def _with_decisions(self, architecture: Architecture, weights: EdgeWeights) -> EdgeWeights:
        decided = self._options.derive == "perturbation" and architecture.network == "generator"
        return self.state.decisions.applied(weights) if decided else weights

    def _tau(self, step: int) -> float:
        return self._options.tau(step, self._config.steps)


def _present(*modules: nn.Module | None) -> list[nn.Module]:
    return [module for module in modules if module is not None]
