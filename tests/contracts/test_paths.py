"""Paths through the generators' supernets of every registered space: what derived networks compute."""

import copy

import pytest
import torch

from search_space.genotype import build
from search_space.networks.config import GeneratorConfig
from search_space.networks.paths import inherit, used_rows
from search_space.networks.uncut import idle_parameters
from search_space.sampling import sample_genotype
from search_space.spaces.registry import SPACES

pytestmark = pytest.mark.usefixtures("float64")

WIDTHS = (
    GeneratorConfig(channels=3, latent_dim=6, bottom_width=2, image_channels=1),
    GeneratorConfig(channels=4, latent_dim=10, latent_parts=2, bottom_width=3),
)
SEEDS = range(8)
TOLERANCE = {"rtol": 1e-9, "atol": 1e-12}

of_every_space = pytest.mark.parametrize(
    "space", [name for name, space in SPACES.items() if "generator" in space.cells]
)


def trained(network, seed=3):
    """Weights as far from their initial values as training takes them."""
    random = torch.Generator().manual_seed(seed)
    for name, parameter in network.named_parameters():
        noise = 0.1 * torch.randn(parameter.shape, generator=random)
        parameter.data += 5 * noise.abs() if "bias" in name else noise  # of negative ones, ReLUs are dead
    return network


def supernet_of(space, config=WIDTHS[0]):
    return trained(SPACES[space].build("generator", config, None, 1))


def gradients(network, output):
    """Those of all parameters that have one."""
    probe = torch.randn(output.shape, generator=torch.Generator().manual_seed(1))
    parameters = dict(network.named_parameters())
    found = torch.autograd.grad((output * probe).sum(), list(parameters.values()), allow_unused=True)
    return {name: each for name, each in zip(parameters, found, strict=True) if each is not None}


@of_every_space
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("config", WIDTHS)
def test_a_path_is_the_derived_network_with_inherited_weights(space, seed, config):
    genotype, whole = sample_genotype("generator", seed, space), supernet_of(space, config)
    derived = trained(build(genotype, config), seed=5)
    inherit(derived, whole)
    z = torch.randn(4, config.latent_dim)
    found, expected = whole.of_paths(z, [genotype]), derived(z)
    torch.testing.assert_close(found, expected, **TOLERANCE)
    assert expected.std() > 0.01
    # A stacked gradient has zeros where the path does not go, and so the same sum of squares.
    ours, theirs = (
        sum(value.square().sum() for value in gradients(network, output).values())
        for network, output in ((whole, found), (derived, expected))
    )
    scales = sum(
        value.square().sum()
        for name, value in gradients(derived, derived(z)).items()
        if name not in dict(whole.named_parameters())
    )
    torch.testing.assert_close(ours, theirs - scales, **TOLERANCE)
    assert ours > 0


@of_every_space
def test_each_share_of_a_batch_goes_through_its_own_genotype_computed_once_or_twice(space):
    genotypes = [sample_genotype("generator", seed, space) for seed in (4, 5, 6)]
    whole, z = supernet_of(space), torch.randn(6, 6)
    apart = [whole.of_paths(share, [one]) for share, one in zip(z.chunk(3), genotypes, strict=True)]
    together, twice = whole.of_paths(z, genotypes), whole.of_paths(z, genotypes, recompute=True)
    torch.testing.assert_close(together, torch.cat(apart), **TOLERANCE)
    assert torch.equal(twice, together)
    expected, found = gradients(whole, together), gradients(whole, twice)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@of_every_space
def test_a_path_leaves_no_statistics_behind(space):
    whole = supernet_of(space)
    before = copy.deepcopy(dict(whole.named_buffers()))
    for seed in SEEDS:
        whole.of_paths(torch.randn(4, 6), [sample_genotype("generator", seed, space)])
    assert all(torch.equal(value, before[name]) for name, value in whole.named_buffers())


@of_every_space
@pytest.mark.parametrize("count", [1, 3])
def test_what_is_trained_is_what_the_paths_use_and_nothing_else_gets_a_gradient(space, count):
    """What stands still is known before the backward pass: workers, whose paths differ, must agree on it."""
    paths, whole = [sample_genotype("generator", seed, space) for seed in range(count)], supernet_of(space)
    rows, idle = used_rows(whole, paths), idle_parameters(whole, paths)
    found = gradients(whole, whole.of_paths(torch.randn(2 * count, 6), paths))
    for name, parameter in whole.named_parameters():
        if parameter in idle:
            assert name not in found
        elif parameter in rows:
            moved = {row for row in range(len(parameter)) if name in found and found[name][row].any()}
            assert moved <= set(rows[parameter])
        else:
            assert name in found, name
    assert bool(rows) != bool(idle)
    assert sum(name in found for name, _ in whole.named_parameters()) > 5
