"""The slow twin: a search step op by op from the specification, with plain Adam, backward and zero_grad.

Everything is as released, quirks included: real and fake images pass D one after the other, each forward is
relaxed with noise of its own, D's image edges share a softmax over seven columns, and the architecture steps
compute gradients of all weights only to discard them.
"""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.given_draws import Noise
from tests.reference.released_networks import ReleasedDiscriminator, ReleasedGenerator, Rows


def relaxed(logits: Rows, tau: float, noise: Rows | None) -> Rows:
    """softmax(alpha), or the released softmax((softmax(alpha) + noise) / tau)."""
    weights = [F.softmax(group, -1) for group in logits]
    if noise is not None:
        weights = [F.softmax((w + n) / tau, -1) for w, n in zip(weights, noise, strict=True)]
    return weights[0], weights[1]


class ReleasedSearch:
    """Both supernets, their four optimizers and the moving average of G, alpha included."""

    def __init__(
        self, generator: ReleasedGenerator, discriminator: ReleasedDiscriminator, n_critic: int
    ) -> None:
        self.G, self.D, self.average = generator, discriminator, copy.deepcopy(generator)
        self.n_critic, self.steps_done = n_critic, 0
        self.optimizers = {
            "generator": _weight_adam(self.G),
            "discriminator": _weight_adam(self.D),
            "alpha": _architecture_adam(self.G.alphas_normal, self.G.alphas_up),
            "beta": _architecture_adam(self.D.alphas_normal, self.D.alphas_down),
        }

    def step(
        self,
        weights_half: Tensor,
        architecture_half: Tensor,
        z: Mapping[str, Tensor],
        tau: float = 1.0,
        noise: Noise | None = None,
    ) -> dict[str, Tensor]:
        """The losses of the updates, by phase; without noise, architectures are relaxed by softmax alone."""
        relaxation = _Relaxation(self, tau, noise)
        losses = {
            "beta": self._update_discriminator("beta", architecture_half, z["beta"], relaxation),
            "discriminator": self._update_discriminator(
                "discriminator", weights_half, z["discriminator"], relaxation
            ),
        }
        if self.steps_done % self.n_critic == 0:
            losses["alpha"] = self._update_generator("alpha", z["alpha"], relaxation)
            losses["generator"] = self._update_generator("generator", z["generator"], relaxation)
            for mean, parameter in zip(self.average.parameters(), self.G.parameters(), strict=True):
                mean.data.mul_(0.999).add_(0.001 * parameter.data)
        self.steps_done += 1
        return losses

    def _update_discriminator(self, phase: str, real: Tensor, z: Tensor, relax: "_Relaxation") -> Tensor:
        self.optimizers[phase].zero_grad()
        real_scores = self.D(real, relax.beta(phase, 0))
        fake_scores = self.D(self.G(z, relax.alpha(phase, 0)).detach(), relax.beta(phase, 1))
        loss = torch.mean(F.relu(1.0 - real_scores)) + torch.mean(F.relu(1.0 + fake_scores))
        loss.backward()
        self.optimizers[phase].step()
        return loss.detach()

    def _update_generator(self, phase: str, z: Tensor, relax: "_Relaxation") -> Tensor:
        self.optimizers[phase].zero_grad()
        loss = -torch.mean(self.D(self.G(z, relax.alpha(phase, 0)), relax.beta(phase, 0)))
        loss.backward()
        self.optimizers[phase].step()
        return loss.detach()


class _Relaxation:
    """Edge weights for each forward of one step."""

    def __init__(self, search: ReleasedSearch, tau: float, noise: Noise | None) -> None:
        self._search, self._tau, self._noise = search, tau, noise

    def alpha(self, phase: str, forward: int) -> Rows:
        logits = self._search.G.alphas_normal, self._search.G.alphas_up
        return relaxed(logits, self._tau, self._noise and self._noise(phase, forward, "generator"))

    def beta(self, phase: str, forward: int) -> Rows:
        logits = self._search.D.alphas_normal, self._search.D.alphas_down
        return relaxed(logits, self._tau, self._noise and self._noise(phase, forward, "discriminator"))


def _weight_adam(network: nn.Module) -> torch.optim.Adam:
    weights = [parameter for name, parameter in network.named_parameters() if "alphas" not in name]
    return torch.optim.Adam(weights, 2e-4, (0.0, 0.9), foreach=False, fused=False)


def _architecture_adam(*logits: nn.Parameter) -> torch.optim.Adam:
    return torch.optim.Adam(logits, 3e-4, (0.5, 0.999), weight_decay=1e-4, foreach=False, fused=False)
