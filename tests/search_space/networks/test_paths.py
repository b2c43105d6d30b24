"""Paths of a supernet beside its one-hot mixture and the derived network: values, gradients, norms."""

import copy

import pytest
import torch
from torch.nn import functional as F

from search_space.architecture import Architecture
from search_space.networks.cell import use_backend
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.discriminator import Discriminator
from search_space.networks.generator import Generator
from search_space.networks.paths import inherit
from search_space.relaxation import one_hot
from search_space.sampling import sample_genotype

pytestmark = pytest.mark.usefixtures("float64")

WIDTHS = GeneratorConfig(channels=3, latent_dim=6, bottom_width=2, image_channels=1)
TOLERANCE = {"rtol": 1e-10, "atol": 1e-12}
SEEDS = range(4)


def supernet(network, genotype=None):
    """Weights as far from their initial values as training takes them."""
    torch.manual_seed(3)
    if network == "generator":
        made = Generator(WIDTHS, genotype)
    else:
        made = Discriminator(DiscriminatorConfig(channels=6, image_channels=1), genotype)
    for name, parameter in made.named_parameters():
        noise = 0.1 * torch.randn_like(parameter)
        parameter.data += 5 * noise.abs() if "bias" in name else noise  # of negative ones, ReLUs are dead
    return made


def inputs(network, count):
    return torch.randn(count, 6) if network == "generator" else torch.randn(count, 1, 16, 16)


def gradients(network, output):
    """Of all parameters, with zeros where the output does not depend on one."""
    probe = torch.randn(output.shape, generator=torch.Generator().manual_seed(1), dtype=output.dtype)
    parameters = dict(network.named_parameters())
    found = torch.autograd.grad(
        (output * probe).sum(), list(parameters.values()), allow_unused=True, materialize_grads=True
    )
    return dict(zip(parameters, found, strict=True))


@pytest.mark.parametrize("backend", ["op_by_op", "auto"])
@pytest.mark.parametrize("network", ["generator", "discriminator"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_path_is_the_one_hot_mixture_in_values_and_gradients(network, backend, seed):
    genotype = sample_genotype(network, seed)
    of_path, mixture = supernet(network), supernet(network)
    use_backend(of_path, backend)
    use_backend(mixture, "op_by_op")
    batch = inputs(network, 4)
    output = of_path.of_paths(batch, [genotype])
    expected = mixture(batch, one_hot(genotype, Architecture(network)))
    torch.testing.assert_close(output, expected, **TOLERANCE)
    found, wanted = gradients(of_path, output), gradients(mixture, expected)
    assert any(value.abs().max() > 0 for value in wanted.values())
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, **TOLERANCE)


@pytest.mark.parametrize("network", ["generator", "discriminator"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_path_is_the_derived_network_with_inherited_weights(network, seed):
    genotype, batch = sample_genotype(network, seed), inputs(network, 4)
    whole, derived = supernet(network), supernet(network, genotype)
    inherit(derived, whole)
    torch.testing.assert_close(whole.of_paths(batch, [genotype]), derived(batch), **TOLERANCE)


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_each_share_of_a_batch_goes_through_its_own_genotype(network):
    genotypes = [sample_genotype(network, seed) for seed in (4, 5, 6)]
    whole, batch = supernet(network), inputs(network, 6)
    alone = [copy.deepcopy(whole) for _ in genotypes]
    output = whole.of_paths(batch, genotypes)
    apart = [
        one.of_paths(share, [genotype])
        for one, share, genotype in zip(alone, batch.chunk(3), genotypes, strict=True)
    ]
    torch.testing.assert_close(output, torch.cat(apart), **TOLERANCE)
    probe = torch.randn_like(output)
    (output * probe).sum().backward()
    for part, share in zip(apart, probe.chunk(3), strict=True):
        (part * share).sum().backward()
    for name, parameter in whole.named_parameters():
        zero = torch.zeros_like(parameter)
        each = [dict(one.named_parameters())[name].grad for one in alone]
        expected = sum((gradient for gradient in each if gradient is not None), start=zero)
        torch.testing.assert_close(zero if parameter.grad is None else parameter.grad, expected, **TOLERANCE)


def test_rows_that_no_path_uses_get_no_gradient():
    genotype, whole = sample_genotype("generator", 2), supernet("generator")
    whole.of_paths(torch.randn(4, 6), [genotype]).sum().backward()
    for cell, names in zip(whole.cells, genotype.cells, strict=True):
        for filling in cell.fillings:
            operation = cell.operation(filling)
            if operation is not None:
                for row, edge in enumerate(filling.edges):
                    if names[int(edge.name[1:])] != filling.primitive.name:
                        assert all((p.grad is None or not p.grad[row].any()) for p in operation.parameters())


def test_a_forward_of_paths_makes_one_power_iteration_of_every_norm():
    whole = supernet("discriminator")
    twin = copy.deepcopy(whole)
    whole.of_paths(torch.randn(4, 1, 16, 16), [sample_genotype("discriminator", s) for s in (1, 2)])
    for cell in twin.cells:
        for filling in cell.fillings:
            if (operation := cell.operation(filling)) is not None:
                operation.normalized()
    for (name, buffer), other in zip(whole.cells.named_buffers(), twin.cells.buffers(), strict=True):
        torch.testing.assert_close(buffer, other, msg=name)


def test_batchnorm_normalises_every_share_by_its_own_statistics():
    whole = supernet("generator")
    seen = []
    whole.to_image.register_forward_pre_hook(lambda _, maps: seen.append(maps[0]))
    whole.norm.weight.data.fill_(1.0)
    whole.norm.bias.data.fill_(10.0)  # so that the ReLU behind it cuts nothing off
    whole.of_paths(torch.randn(8, 6), [sample_genotype("generator", seed) for seed in (1, 2)])
    assert [len(share) for share in seen] == [4, 4]
    for share in seen:
        torch.testing.assert_close(share.mean((0, 2, 3)), torch.full((3,), 10.0), rtol=0, atol=1e-9)
        assert F.relu(share).equal(share)


def test_shares_that_do_not_divide_a_batch_are_refused():
    genotypes = [sample_genotype("generator", seed) for seed in (1, 2, 3)]
    with pytest.raises(ValueError, match="a batch of 4 has no 3 equal shares"):
        supernet("generator").of_paths(torch.randn(4, 6), genotypes)
