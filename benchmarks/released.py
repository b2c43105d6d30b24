"""One step of the search as the released code takes it: the denominator of every ratio.

Op by op; every update differentiates all parameters and uses the gradients of one group; G keeps its graph
in D's updates; real and fake images pass D one after the other, each with its own sample; default Adam; the
moving average goes parameter by parameter.

Source: the released `search.py` and `functions.py` of AdversarialNAS (2021).
"""

import torch
from torch import Tensor

from search_space.architecture import Architecture, EdgeWeights
from search_space.networks.cell import use_backend
from search_space.relaxation import relax
from trainers.config import SearchConfig
from trainers.guarded_step import Phase
from trainers.losses.hinge import Hinge
from trainers.noise import NoiseSource
from trainers.strategies.adversarial_config import AdversarialConfig
from trainers.strategies.adversarial_state import SearchState

PHASES: tuple[Phase, ...] = ("beta", "discriminator", "alpha", "generator")


class ReleasedStep:
    """The updates of a step, phase by phase; state and configuration are those of our own search."""

    def __init__(self, state: SearchState, config: SearchConfig, options: AdversarialConfig) -> None:
        assert state.beta is not None, "the released search has no fixed opponent"
        self._state, self._config, self._options = state, config, options
        self._beta = state.beta
        for network in (state.generator, state.discriminator):
            use_backend(network, "op_by_op")
        self._optimizers = {
            phase: torch.optim.Adam(
                list(module.parameters()),
                lr=adam.lr,
                betas=adam.betas,
                weight_decay=adam.weight_decay,
            )
            for phase, module, adam in (
                ("beta", self._beta, options.beta_optimizer),
                ("discriminator", state.discriminator, config.discriminator_optimizer),
                ("alpha", state.alpha, options.alpha_optimizer),
                ("generator", state.generator, config.generator_optimizer),
            )
        }

    def update(self, phase: Phase, real: Tensor, draws: NoiseSource) -> Tensor:
        """One of the four updates; G's take no real images."""
        if phase in ("beta", "discriminator"):
            loss = self._discriminator_loss(phase, real, draws)
        else:
            loss = self._generator_loss(phase, draws)
        loss.backward()
        self._optimizers[phase].step()
        for module in (self._state.generator, self._state.discriminator, self._state.alpha, self._beta):
            module.zero_grad()
        return loss.detach()

    def average(self) -> None:
        """Move the moving average of G."""
        decay = self._config.ema_decay
        with torch.no_grad():
            for average, live in zip(
                self._state.ema_generator.parameters(), self._state.generator.parameters(), strict=True
            ):
                average.mul_(decay).add_(live, alpha=1 - decay)

    def _discriminator_loss(self, phase: Phase, real: Tensor, draws: NoiseSource) -> Tensor:
        state = self._state
        real_scores = state.discriminator(real, self._sample(self._beta, phase, 0, draws))
        latents = draws.latents(phase, len(real))
        fake = state.generator(latents, self._sample(state.alpha, phase, 0, draws)).detach()
        fake_scores = state.discriminator(fake, self._sample(self._beta, phase, 1, draws))
        return Hinge().discriminator(real_scores, fake_scores)

    def _generator_loss(self, phase: Phase, draws: NoiseSource) -> Tensor:
        state = self._state
        latents = draws.latents(phase, self._config.generator_batch_size)
        fake = state.generator(latents, self._sample(state.alpha, phase, 0, draws))
        return Hinge().generator(state.discriminator(fake, self._sample(self._beta, phase, 0, draws)))

    def _sample(
        self, architecture: Architecture, phase: Phase, forward: int, draws: NoiseSource
    ) -> EdgeWeights:
        options = self._options
        noise = draws.noise(phase, forward, architecture)
        return relax(
            architecture,
            "gumbel_of_probabilities",
            options.tau(self._state.step, self._config.steps),
            noise,
            masked=options.mask_image_edges,
        )
