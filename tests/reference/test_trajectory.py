"""Four recorded steps, replayed: losses, weights, alpha, beta, EMA, power iterations, BatchNorm.

The recorded state before is wrong, it equals the state after; the true one was recovered: data/README.md.
"""

import pytest
import torch
from torch import Tensor

from search_space.backends.registry import BACKENDS
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from tests.reference.given_draws import GivenDraws, no_noise
from tests.reference.official import N_CRITIC, STEPS, OfficialSearch, without_buffers
from tests.reference.recorded import assert_all_equal, assert_equal, recorded, under
from tests.reference.released_networks import ReleasedDiscriminator, ReleasedGenerator
from tests.reference.released_step import ReleasedSearch

pytestmark = pytest.mark.usefixtures("float64", "unchecked_shapes")

TRAJECTORY = recorded("trajectory")
LATENTS = {
    "beta": "z_dis_arch",
    "discriminator": "z_dis_weights",
    "alpha": "z_gen_arch",
    "generator": "z_gen_weights",
}


def start(network: str) -> dict[str, Tensor]:
    """The recovered state before the first step, by released name."""
    shapes = under(f"{network}1/", TRAJECTORY)
    flat = recorded("trajectory_start")[f"{network}0"]
    values = flat.split([array.numel() for array in shapes.values()])
    return {name: value.view_as(array) for (name, array), value in zip(shapes.items(), values, strict=True)}


def inputs(step: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Weights half, architecture half and latents by phase."""
    recorded_now = under(f"it{step}/", TRAJECTORY)
    latents = {phase: recorded_now[name] for phase, name in LATENTS.items() if name in recorded_now}
    return *recorded_now["x"].chunk(2), latents


def assert_losses(found: list[Tensor], expected: Tensor) -> None:
    torch.testing.assert_close(torch.stack(found), expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("form", BACKENDS)
def test_search_step_arrives_at_every_recorded_number(form):
    search = OfficialSearch(GeneratorConfig(channels=2), DiscriminatorConfig(channels=2), form)
    search.load(start("G"), start("D"))
    losses = []
    for index in range(STEPS):
        weights_half, architecture_half, latents = inputs(index)
        losses.append(search.step(weights_half, architecture_half, GivenDraws(latents, no_noise)))
    assert_losses([loss["loss_discriminator"] for loss in losses], TRAJECTORY["d_losses"])
    assert_losses(
        [loss["loss_generator"] for loss in losses if "loss_generator" in loss], TRAJECTORY["g_losses"]
    )
    assert_all_equal(search.generator, under("G1/", TRAJECTORY))
    assert_all_equal(search.discriminator, under("D1/", TRAJECTORY))
    assert_all_equal(search.average, under("EMA1/", TRAJECTORY))


def test_slow_twin_arrives_at_every_recorded_number():
    """Which makes it as good as the released code for states and widths that were not recorded."""
    generator, discriminator = ReleasedGenerator(channels=2), ReleasedDiscriminator(channels=2)
    generator.load_state_dict(start("G"))
    discriminator.load_state_dict(start("D"))
    search = ReleasedSearch(generator, discriminator, N_CRITIC)
    losses = [search.step(*inputs(index)) for index in range(STEPS)]
    assert_losses([loss["discriminator"] for loss in losses], TRAJECTORY["d_losses"])
    assert_losses([loss["generator"] for loss in losses if "generator" in loss], TRAJECTORY["g_losses"])
    assert_all_equal(search.G.state_dict(), under("G1/", TRAJECTORY))
    assert_all_equal(search.D.state_dict(), under("D1/", TRAJECTORY))
    assert_all_equal(without_buffers(search.average.state_dict()), under("EMA1/", TRAJECTORY))


def test_recorded_state_before_is_the_state_after():
    """The defect of the recording, which is why it is not used."""
    for name in ("G", "D"):
        after = under(f"{name}1/", TRAJECTORY)
        assert all(torch.equal(value, after[key]) for key, value in under(f"{name}0/", TRAJECTORY).items())


def test_recovered_start_agrees_with_the_moving_average():
    """EMA1 = 0.998001 G0 + 0.000999 Ga + 0.001 G1 without any replay, Ga being one Adam step from G0."""
    g1, average = under("G1/", TRAJECTORY), under("EMA1/", TRAJECTORY)
    for name, value in without_buffers(start("G")).items():
        largest_step = 0.000999 * (3e-4 if "alphas" in name else 2e-4)
        difference = average[name] - 0.999 * value - 0.001 * g1[name]
        assert difference.abs().max() <= largest_step * (1 + 1e-6), name
    assert_equal(start("G")["to_rgb.0.running_var"], torch.ones(2))
