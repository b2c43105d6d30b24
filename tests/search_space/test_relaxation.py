import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space.architecture import Architecture, EdgeWeights
from search_space.relaxation import entropy, gumbel_noise, one_hot, probabilities, relax
from search_space.sampling import sample_genotype
from search_space.spaces.adversarialnas import CELLS

pytestmark = pytest.mark.usefixtures("float64")

LOG2, LOG3 = math.log(2), math.log(3)


def architecture(network="generator", normal=None, resample=None) -> Architecture:
    """Logits of 0, except for the first normal and the first resampling edge if they are given."""
    made = Architecture(network)
    for logits, row in ((made.normal, normal), (made.resample, resample)):
        logits.data.zero_()
        if row is not None:
            logits.data[0, 0] = torch.tensor(row)
    return made


def noise(network="generator", normal=None, resample=None) -> EdgeWeights:
    """Noise of 0, except for the first normal and the first resampling edge if they are given."""
    made = architecture(network, normal, resample)
    return EdgeWeights({group: logits.data for group, logits in made.logits.items()})


def first_up_edge(weights: EdgeWeights) -> list[float]:
    return weights["resample"][0, 0].tolist()


def test_softmax_is_the_share_of_the_exponentials():
    weights = relax(architecture(resample=[LOG2, LOG3, 0]), "softmax")
    assert first_up_edge(weights) == pytest.approx([2 / 6, 3 / 6, 1 / 6])


def test_softmax_knows_neither_tau_nor_noise():
    alpha = architecture(resample=[LOG2, LOG3, 0])
    assert torch.equal(
        relax(alpha, "softmax", 0.1, noise(resample=[5, 0, 0]))["resample"],
        relax(alpha, "softmax")["resample"],
    )


def test_gumbel_adds_noise_to_the_logits_and_divides_by_tau():
    # (log 2 + log 2, log 3, 0) / 0.5: exponentials 16, 9, 1.
    weights = relax(architecture(resample=[LOG2, LOG3, 0]), "gumbel", 0.5, noise(resample=[LOG2, 0, 0]))
    assert first_up_edge(weights) == pytest.approx([16 / 26, 9 / 26, 1 / 26])


def test_released_gumbel_adds_noise_to_the_probabilities():
    # Probabilities 1/3, 1/2, 1/6; with noise 1/6, 0, 1/3 all are 1/2 before tau.
    quirk = relax(
        architecture(resample=[LOG2, LOG3, 0]),
        "gumbel_of_probabilities",
        0.1,
        noise(resample=[1 / 6, 0, 1 / 3]),
    )
    assert first_up_edge(quirk) == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_released_gumbel_never_prefers_one_of_seven_with_a_probability_over_31_percent():
    """A decided edge perturbs (1, 0, ...): the best wins e / (e + 6) of the draws, whatever alpha says."""
    alpha = architecture(normal=[100.0, 0, 0, 0, 0, 0, 0])
    wins = {"gumbel": 0, "gumbel_of_probabilities": 0}
    generator = torch.Generator().manual_seed(1)
    for _ in range(200):
        drawn = gumbel_noise(alpha, generator)
        for mode in wins:
            wins[mode] += int(relax(alpha, mode, 0.1, drawn)["normal"][0, 0].argmax() == 0)
    assert wins["gumbel"] == 200
    assert wins["gumbel_of_probabilities"] / 200 == pytest.approx(math.e / (math.e + 6), abs=0.06)


@pytest.mark.parametrize("mode", ["gumbel", "gumbel_of_probabilities"])
def test_gumbel_modes_need_noise(mode):
    with pytest.raises(ValueError, match=mode):
        relax(architecture(), mode)


@pytest.mark.parametrize("mode", ["softmax", "gumbel", "gumbel_of_probabilities"])
@pytest.mark.parametrize("network", CELLS)
def test_weights_of_every_edge_sum_to_one(network, mode):
    made = Architecture(network)
    weights = relax(made, mode, 0.7, gumbel_noise(made, torch.Generator().manual_seed(0)))
    for group in weights.values():
        assert torch.allclose(group.sum(-1), torch.ones(1))


@pytest.mark.parametrize("mode", ["softmax", "gumbel", "gumbel_of_probabilities"])
def test_columns_that_do_not_exist_get_no_weight_and_no_gradient(mode):
    beta = Architecture("discriminator")
    weights = relax(beta, mode, 0.5, gumbel_noise(beta, torch.Generator().manual_seed(0)))["normal"]
    (gradient,) = torch.autograd.grad(weights.square().sum(), beta.normal)
    assert (weights[0, :3, 5:] == 0).all()
    assert (gradient[0, :3, 5:] == 0).all()
    assert (weights[0, :3, :5] > 0).all()
    assert (gradient[0, :3, :5] != 0).all()


def test_without_mask_image_edges_lose_weight_to_columns_that_do_not_exist():
    weights = relax(architecture("discriminator"), "softmax", masked=False)["normal"]
    assert weights[0, 0].tolist() == pytest.approx([1 / 7] * 7)
    assert relax(architecture("discriminator"), "softmax")["normal"][0, 0].tolist() == pytest.approx(
        [1 / 5] * 5 + [0] * 2
    )


@pytest.mark.parametrize("mode", ["gumbel", "gumbel_of_probabilities"])
def test_small_tau_decides_and_large_tau_levels(mode):
    alpha = architecture(resample=[LOG2, LOG3, 0])
    drawn = noise(resample=[0.1, 0.2, 0.3])
    assert max(first_up_edge(relax(alpha, mode, 1e-3, drawn))) == pytest.approx(1)
    assert first_up_edge(relax(alpha, mode, 1e6, drawn)) == pytest.approx([1 / 3] * 3, abs=1e-5)


def test_tau_may_be_a_tensor():
    alpha, drawn = architecture(resample=[LOG2, LOG3, 0]), noise(resample=[0.1, 0.2, 0.3])
    as_number = relax(alpha, "gumbel", 0.5, drawn)
    assert torch.equal(relax(alpha, "gumbel", torch.tensor(0.5), drawn)["resample"], as_number["resample"])


def test_noise_is_standard_gumbel():
    made = Architecture("generator")
    generator = torch.Generator().manual_seed(0)
    drawn = torch.cat([gumbel_noise(made, generator)["normal"].flatten() for _ in range(200)])
    assert drawn.mean() == pytest.approx(0.5772, abs=0.03)  # Euler's constant
    assert drawn.var() == pytest.approx(math.pi**2 / 6, rel=0.05)


def test_noise_depends_on_the_generator_alone():
    made = Architecture("discriminator")
    first, again = (gumbel_noise(made, torch.Generator().manual_seed(4)) for _ in range(2))
    other = gumbel_noise(made, torch.Generator().manual_seed(5))
    for a, b, c in zip(first.values(), again.values(), other.values(), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)
        assert not a.requires_grad


@settings(max_examples=20)
@given(st.sampled_from(sorted(CELLS)), st.integers(0, 2**32))
def test_one_hot_weights_say_which_primitive_stands_on_each_edge(network, seed):
    genotype = sample_genotype(network, seed)
    weights = one_hot(genotype, Architecture(network))
    first = {"generator": "resample", "discriminator": "normal"}[network]
    second = {"generator": "normal", "discriminator": "resample"}[network]
    for cell, row in enumerate(genotype.rows):
        found = [*weights[first][cell].argmax(-1), *weights[second][cell].argmax(-1)]
        assert tuple(map(int, found)) == row
    for group in weights.values():
        assert torch.equal(group.sum(-1), torch.ones(group.shape[:-1]))
        assert group.max() == 1


@pytest.mark.parametrize("network", CELLS)
def test_entropy_is_1_while_nothing_is_preferred(network):
    assert entropy(architecture(network)) == pytest.approx(1)


@pytest.mark.parametrize("network", CELLS)
def test_entropy_is_0_when_everything_is_decided(network):
    """Also where the softmax underflows to exact zeros."""
    decided = architecture(network)
    for logits in decided.parameters():
        logits.data[..., 0] = 1000
    assert entropy(decided) == 0


def test_entropy_is_the_mean_over_edges():
    """One of 21 edges decided; one between two of three: log 2 / log 3."""
    alpha = architecture(normal=[1000.0, 0, 0, 0, 0, 0, 0], resample=[0, 0, -1000.0])
    assert entropy(alpha) == pytest.approx((19 + LOG2 / LOG3) / 21)


def test_entropy_ignores_columns_that_do_not_exist():
    beta = architecture("discriminator")
    beta.normal.data[0, :3, 5:] = 7
    assert entropy(beta) == pytest.approx(1)


def test_probabilities_are_those_of_each_edges_own_vocabulary():
    architecture = Architecture("discriminator")
    with torch.no_grad():
        architecture.normal.zero_()
        architecture.normal[0, 0] = torch.tensor([0.0, math.log(3.0), 0.0, 0.0, 0.0, 50.0, 50.0])
    image_edge = probabilities(architecture)[0][0]
    assert image_edge == pytest.approx((1 / 7, 3 / 7, 1 / 7, 1 / 7, 1 / 7))
    assert [len(edge) for edge in probabilities(architecture)[1]] == [7, 7, 7, 7, 7, 6, 6]
