"""The search step against its slow twin, from random states that were never recorded.

The twin is written from the specification and arrives at the recorded trajectory itself (`test_trajectory`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from search_space.backends.registry import BACKENDS
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from tests.reference.given_draws import GivenDraws
from tests.reference.official import GENERATOR_BATCH, HALF, N_CRITIC, STEPS, OfficialSearch, without_buffers
from tests.reference.recorded import assert_all_equal
from tests.reference.released_networks import ReleasedDiscriminator, ReleasedGenerator
from tests.reference.released_step import ReleasedSearch
from trainers.guarded_step import PHASES

pytestmark = pytest.mark.usefixtures("float64", "unchecked_shapes")

BOTTOM_WIDTH = 2
"""Images of 16 pixels: as many edges and borders as in larger ones, sooner."""


@dataclass(frozen=True)
class Case:
    channels: int
    image_channels: int
    gumbel: bool
    seed: int

    @property
    def relaxation(self) -> str:
        return "gumbel_of_probabilities" if self.gumbel else "softmax"


CASES = [Case(2, 3, False, 0), Case(2, 3, True, 3), Case(3, 3, False, 4), Case(3, 1, True, 2)]
"""Seeds whose D is alive: with 2 or 3 channels, one in three sends every image to a score of exactly 0."""


def random(shape: Sequence[int], *seed: int) -> Tensor:
    """Standard normal numbers of their own for each seed."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


class Inputs:
    """What one step is given."""

    def __init__(self, case: Case, step: int) -> None:
        self.case, self.step = case, step
        # Released: exponentially from 5 to 0.1.
        self.tau = 5 * (0.1 / 5) ** (step / (STEPS - 1))

    def images(self) -> tuple[Tensor, Tensor]:
        shape = (2, HALF, self.case.image_channels, 8 * BOTTOM_WIDTH, 8 * BOTTOM_WIDTH)
        return random(shape, self.case.seed, self.step).tanh().unbind()

    def latents(self) -> dict[str, Tensor]:
        counts = {"beta": HALF, "discriminator": HALF, "alpha": GENERATOR_BATCH, "generator": GENERATOR_BATCH}
        return {
            phase: random((count, 120), self.case.seed, self.step, PHASES.index(phase))
            for phase, count in counts.items()
        }

    def noise(self, phase: str, forward: int, network: str) -> tuple[Tensor, Tensor]:
        shapes = {"generator": ((3, 5, 7), (3, 2, 3)), "discriminator": ((4, 5, 7), (4, 2, 6))}[network]
        seed = (self.case.seed, self.step, PHASES.index(phase), forward)
        uniform = (random(shape, *seed, *shape).erf().abs() for shape in shapes)
        normal, resample = (-(-u.log()).log() for u in uniform)
        return normal, resample


def random_search(case: Case) -> ReleasedSearch:
    """A state as far from convergence as can be; u and v are random unit vectors, far from singular ones."""
    torch.manual_seed(case.seed)
    generator = ReleasedGenerator(case.channels, case.image_channels, BOTTOM_WIDTH)
    discriminator = ReleasedDiscriminator(case.channels, case.image_channels)
    for logits in (
        generator.alphas_normal,
        generator.alphas_up,
        discriminator.alphas_normal,
        discriminator.alphas_down,
    ):
        logits.data.normal_()
    norm = generator.to_rgb[0]
    norm.running_mean.normal_()
    for positive in (norm.running_var, norm.weight.data):
        positive.uniform_(0.5, 2)
    return ReleasedSearch(generator, discriminator, N_CRITIC)


@dataclass
class Run:
    """The twin's states before and after, and its losses."""

    before: tuple[dict[str, Tensor], dict[str, Tensor]]
    losses: list[dict[str, Tensor]]
    search: ReleasedSearch


@cache
def twin_run(case: Case) -> Run:
    search = random_search(case)
    before = tuple(
        {name: value.clone() for name, value in network.state_dict().items()}
        for network in (search.G, search.D)
    )
    losses = []
    for step in range(STEPS):
        inputs = Inputs(case, step)
        noise = inputs.noise if case.gumbel else None
        losses.append(search.step(*inputs.images(), inputs.latents(), inputs.tau, noise))
    assert all(loss != 0 for step in losses for loss in step.values())
    return Run(before, losses, search)


@pytest.mark.parametrize("form", BACKENDS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_four_steps_end_where_the_twin_ends(case, form):
    """Biases whose sum BatchNorm removes have a true gradient of 0 and are stepped by rounding alone.

    Adam's epsilon keeps that below 1e-11, so they need no tolerance of their own.
    """
    run = twin_run(case)
    search = OfficialSearch(
        GeneratorConfig(
            channels=case.channels, image_channels=case.image_channels, bottom_width=BOTTOM_WIDTH
        ),
        DiscriminatorConfig(channels=case.channels, image_channels=case.image_channels),
        form,
        case.relaxation,
    )
    search.load(*run.before)
    for step, expected in enumerate(run.losses):
        inputs = Inputs(case, step)
        losses = search.step(*inputs.images(), GivenDraws(inputs.latents(), inputs.noise))
        assert_all_equal({phase: losses[f"loss_{phase}"] for phase in expected}, expected)
    assert_all_equal(search.generator, run.search.G.state_dict())
    assert_all_equal(search.discriminator, run.search.D.state_dict())
    assert_all_equal(search.average, without_buffers(run.search.average.state_dict()))
