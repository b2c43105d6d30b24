"""Our search in the semantics of the released code, starting from any state given by released names."""

from collections.abc import Mapping

import torch
from torch import Tensor

from search_space.backends import BackendName
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.relaxation import Relaxation
from search_space.zoo.interop import load_released
from tests.reference.recorded import BUFFERS, by_released_name
from tests.trainers.small import Given
from trainers.config import SearchConfig
from trainers.guarded_step import GuardedStep
from trainers.noise import NoiseSource
from trainers.options import ComputeConfig
from trainers.strategies.adversarial import AdversarialSearch
from trainers.strategies.adversarial_config import AdversarialConfig
from trainers.strategies.adversarial_state import SearchState
from trainers.strategies.strategy import SearchSetup

STEPS, N_CRITIC = 4, 2
HALF, GENERATOR_BATCH = 2, 4


def official_quirks(relaxation: Relaxation) -> AdversarialConfig:
    """How the released code samples architectures."""
    return AdversarialConfig(relaxation=relaxation, sample_per_forward=True, mask_image_edges=False)


def official_config(relaxation: Relaxation) -> SearchConfig:
    """Four steps, all quirks."""
    return SearchConfig(
        steps=STEPS,
        batch_size=2 * HALF,
        generator_batch_size=GENERATOR_BATCH,
        n_critic=N_CRITIC,
        strategy=official_quirks(relaxation),
    )


class OfficialSearch:
    """State and step; the tests' default type must be float64."""

    def __init__(
        self,
        generator: GeneratorConfig,
        discriminator: DiscriminatorConfig,
        form: BackendName,
        relaxation: Relaxation = "softmax",
    ) -> None:
        config, quirks = official_config(relaxation), official_quirks(relaxation)
        device, compute = torch.device("cpu"), ComputeConfig(backend=form)
        setup = SearchSetup(config, generator, discriminator, 0, device, compute)
        self.state = SearchState(quirks, setup)
        self._search = AdversarialSearch(self.state, quirks, setup, GuardedStep(device))

    def step(
        self, weights_half: Tensor, architecture_half: Tensor, noise: NoiseSource
    ) -> Mapping[str, Tensor]:
        """Losses of a step on given images."""
        return self._search.step(Given(weights_half, architecture_half), noise)

    def load(self, generator: Mapping[str, Tensor], discriminator: Mapping[str, Tensor]) -> None:
        """Take over a state that is given by released names."""
        state = self.state
        for module in (state.generator, state.alpha, state.ema_generator, state.ema_alpha):
            load_released(module, generator)
        for module in (state.discriminator, state.beta):
            load_released(module, discriminator)

    @property
    def generator(self) -> dict[str, Tensor]:
        """Parameters and buffers of G, and alpha."""
        return by_released_name(self.state.generator, self.state.alpha)

    @property
    def discriminator(self) -> dict[str, Tensor]:
        """Parameters and power iterations of D, and beta."""
        return by_released_name(self.state.discriminator, self.state.beta)

    @property
    def average(self) -> dict[str, Tensor]:
        """Moving average of the parameters of G and of alpha; buffers are not averaged."""
        return without_buffers(by_released_name(self.state.ema_generator, self.state.ema_alpha))


def without_buffers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The parameters alone."""
    return {name: value for name, value in state.items() if not name.endswith(BUFFERS)}
