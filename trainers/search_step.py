"""One step of the search: the four updates, each differentiating its own loss at the current weights.

Source: AdversarialNAS algorithm 1, first order; update order and noise as in the released code.
Shapes: N this worker's share of half a batch, C channels, S image size.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager

import torch
from jaxtyping import Float
from torch import Tensor

from search_space.architecture import Architecture, EdgeWeights
from search_space.relaxation import relax
from trainers.compute import ComputeConfig, autocast
from trainers.distributed import average_running_statistics
from trainers.guarded_step import GuardedStep, Phase, frozen
from trainers.losses import hinge_discriminator, hinge_generator
from trainers.noise import NoiseSource
from trainers.search_config import SearchConfig
from trainers.search_state import SearchState
from trainers.state import update_ema

Losses = Mapping[str, Tensor]


class SearchStep:
    """The updates of a step, on one state and configuration."""

    def __init__(
        self, state: SearchState, config: SearchConfig, compute: ComputeConfig, descent: GuardedStep
    ) -> None:
        self._state, self._config, self._compute, self._descent = state, config, compute, descent

    def __call__(
        self,
        weights_half: Float[Tensor, "n c s s"],
        architecture_half: Float[Tensor, "n c s s"],
        draws: NoiseSource,
    ) -> Losses:
        """Advance the state by one step; losses stay on the device."""
        state, config = self._state, self._config
        losses: dict[str, Tensor] = {}
        searching = state.step >= config.warmup_steps
        if searching:
            losses["loss_beta"] = self.update_discriminator("beta", architecture_half, draws)["loss"]
        update = self.update_discriminator("discriminator", weights_half, draws)
        losses |= {"loss_discriminator": update["loss"], **_score_statistics(update["real"], update["fake"])}
        if config.updates_generator(state.step):
            if searching:
                losses["loss_alpha"] = self.update_generator("alpha", draws)
            losses["loss_generator"] = self.update_generator("generator", draws)
            update_ema(state.ema_generator, state.generator, config.ema_decay)
            update_ema(state.ema_alpha, state.alpha, config.ema_decay)
        # After every step: G's forwards in D's updates move these statistics too.
        average_running_statistics(state.generator)
        state.step += 1
        return losses

    def update_discriminator(self, phase: Phase, real: Tensor, draws: NoiseSource) -> dict[str, Tensor]:
        """Descend the loss of D in its weights or, in phase "beta", in its architecture."""
        state = self._state
        # Only what is stepped needs gradients: kernels of the other group are not differentiated at all.
        other = state.discriminator if phase == "beta" else state.beta
        with self._autocast(), frozen(other):
            with torch.no_grad():
                latents = draws.latents(phase, self._config.batch_size // 2)
                fake = state.generator(latents, self._sample(state.alpha, phase, 0, draws))
            if self._config.sample_per_forward:
                real_scores = state.discriminator(real, self._sample(state.beta, phase, 0, draws))
                fake_scores = state.discriminator(fake, self._sample(state.beta, phase, 1, draws))
            else:
                scores = state.discriminator(
                    torch.cat([real, fake]), self._sample(state.beta, phase, 0, draws)
                )
                real_scores, fake_scores = scores.chunk(2)
            loss = hinge_discriminator(real_scores, fake_scores)
        self._descent(loss, state.optimizers[phase], phase, state.step)
        return {"loss": loss.detach(), "real": real_scores.detach(), "fake": fake_scores.detach()}

    def update_generator(self, phase: Phase, draws: NoiseSource) -> Tensor:
        """Descend the loss of G in its weights or, in phase "alpha", in its architecture."""
        state = self._state
        latents = draws.latents(phase, self._config.generator_batch_size)
        other = state.generator if phase == "alpha" else state.alpha
        with self._autocast(), frozen(other, state.discriminator, state.beta):
            fake = state.generator(latents, self._sample(state.alpha, phase, 0, draws))
            scores = state.discriminator(fake, self._sample(state.beta, phase, 0, draws))
            loss = hinge_generator(scores)
        self._descent(loss, state.optimizers[phase], phase, state.step)
        return loss.detach()

    def _sample(
        self, architecture: Architecture, phase: Phase, forward: int, draws: NoiseSource
    ) -> EdgeWeights:
        config = self._config
        noise = None if config.relaxation == "softmax" else draws.noise(phase, forward, architecture)
        tau = config.tau(self._state.step)
        return relax(architecture, config.relaxation, tau, noise, masked=config.mask_image_edges)

    def _autocast(self) -> AbstractContextManager[object]:
        return autocast(self._compute, self._state.device)


def _score_statistics(real: Float[Tensor, "n 1"], fake: Float[Tensor, "m 1"]) -> dict[str, Tensor]:
    """A D whose scores do not spread learns nothing, and gives alpha no signal."""
    return {
        "score_real": real.mean(),
        "score_fake": fake.mean(),
        "score_spread": torch.cat([real, fake]).std(),
    }
