"""Both supernets against the released code: outputs and every gradient, in every backend."""

import copy
from dataclasses import dataclass
from functools import cache

import pytest
import torch

from search_space.architecture import Architecture, EdgeWeights
from search_space.backends.registry import BACKENDS
from search_space.networks.cell import use_backend
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.discriminator import Discriminator
from search_space.networks.generator import Generator
from search_space.relaxation import relax
from search_space.zoo.interop import load_released
from tests.reference.recorded import (
    assert_all_equal,
    assert_equal,
    by_released_name,
    gradients_by_released_name,
    recorded,
    under,
)

SUPERNET = recorded("supernet")


@dataclass
class Players:
    """The recorded networks and architecture parameters, in evaluation mode."""

    generator: Generator
    discriminator: Discriminator
    alpha: Architecture
    beta: Architecture


@cache
def recorded_players() -> Players:
    players = Players(
        Generator(GeneratorConfig(channels=2)).double().eval(),
        Discriminator(DiscriminatorConfig(channels=2)).double().eval(),
        Architecture("generator").double(),
        Architecture("discriminator").double(),
    )
    for module in (players.generator, players.alpha):
        load_released(module, under("G/", SUPERNET))
    for module in (players.discriminator, players.beta):
        load_released(module, under("D/", SUPERNET))
    return players


@pytest.fixture(params=BACKENDS)
def players(request: pytest.FixtureRequest) -> Players:
    players = copy.deepcopy(recorded_players())
    use_backend(players.generator, request.param)
    use_backend(players.discriminator, request.param)
    return players


def test_every_recorded_parameter_is_loaded():
    players = recorded_players()
    assert_all_equal(by_released_name(players.generator, players.alpha), under("G/", SUPERNET))
    assert_all_equal(by_released_name(players.discriminator, players.beta), under("D/", SUPERNET))


def test_softmax_outputs_are_the_recorded_ones(players):
    images = players.generator(SUPERNET["z"], relax(players.alpha, "softmax"))
    scores = players.discriminator(SUPERNET["x"], relax(players.beta, "softmax", masked=False))
    assert_equal(images, SUPERNET["G_eval_softmax"])
    assert_equal(scores, SUPERNET["D_eval_softmax"])


def test_gumbel_outputs_with_the_recorded_noise_are_the_recorded_ones(players):
    mode, tau = "gumbel_of_probabilities", float(SUPERNET["tau"])
    noise = under("noise/", SUPERNET)
    alpha = relax(players.alpha, mode, tau, EdgeWeights(normal=noise["G_normal"], resample=noise["G_up"]))
    beta = relax(
        players.beta, mode, tau, EdgeWeights(normal=noise["D_normal"], resample=noise["D_down"]), masked=False
    )
    assert_equal(players.generator(SUPERNET["z"], alpha), SUPERNET["G_eval_gumbel"])
    assert_equal(players.discriminator(SUPERNET["x"], beta), SUPERNET["D_eval_gumbel"])


def test_gradients_of_g_alpha_and_beta_are_the_recorded_ones(players):
    images = players.generator(SUPERNET["z"], relax(players.alpha, "softmax"))
    scores = players.discriminator(images, relax(players.beta, "softmax", masked=False))
    (-scores.mean()).backward()
    found = gradients_by_released_name(players.generator, players.alpha)
    assert_all_equal(found, under("gradG/", SUPERNET))
    assert_all_equal(gradients_by_released_name(players.beta), under("gradD/", SUPERNET))


def test_columns_that_image_edges_lack_have_a_gradient_as_released(players):
    """They take weight from the five that exist: lost mass, which the default masks."""
    scores = players.discriminator(SUPERNET["x"], relax(players.beta, "softmax", masked=False))
    (gradient,) = torch.autograd.grad(scores.sum(), players.beta.normal)
    assert (gradient[0, :3, 5:] != 0).all()
