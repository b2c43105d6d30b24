"""Contract of every backend: outputs and all gradients equal those of the slow twin, op by op.

New backends are tested by being registered in BACKENDS.
"""

import copy
from collections.abc import Iterator

import pytest
import torch

from search_space.architecture import Architecture, EdgeWeights
from search_space.backends.registry import BACKENDS
from search_space.genotype import Genotype
from search_space.networks.cell import use_backend
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.discriminator import Discriminator
from search_space.networks.generator import Generator
from search_space.relaxation import relax
from search_space.sampling import sample_genotype

TOLERANCE = 1e-12
"""Of the largest entry; two orders above the rounding of a sum in float64."""

FAST_BACKENDS = [backend for backend in BACKENDS if backend != "op_by_op"]
SHAPES = [(16, 1), (16, 3), (32, 3), (48, 1)]
"""Image size and channels."""

pytestmark = pytest.mark.parametrize("backend", FAST_BACKENDS)


@pytest.fixture(autouse=True)
def float64():
    torch.manual_seed(5)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def trained(network: torch.nn.Module) -> torch.nn.Module:
    """Biases and norms as far from their initial values as training takes them."""
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return network


def a_generator(size: int, image_channels: int, genotype: Genotype | None = None) -> torch.nn.Module:
    parts = 2 if size == 48 else 3
    config = GeneratorConfig(
        channels=3, latent_dim=6, latent_parts=parts, bottom_width=size // 8, image_channels=image_channels
    )
    return trained(Generator(config, genotype))


def a_discriminator(image_channels: int, genotype: Genotype | None = None) -> torch.nn.Module:
    return trained(Discriminator(DiscriminatorConfig(channels=3, image_channels=image_channels), genotype))


def sampled_weights(network: str) -> EdgeWeights:
    architecture = Architecture(network)
    for logits in architecture.parameters():
        logits.data.normal_()
    return EdgeWeights({group: weights.detach() for group, weights in relax(architecture, "softmax").items()})


def twins(network: torch.nn.Module, *backends: str) -> Iterator[torch.nn.Module]:
    """Copies of a network, one a backend."""
    for backend in backends:
        twin = copy.deepcopy(network)
        use_backend(twin, backend)
        yield twin


def run(
    network: torch.nn.Module, backend: str, inputs: torch.Tensor, edge_weights: EdgeWeights | None
) -> dict[str, torch.Tensor]:
    """The output, every gradient and every buffer after one forward and backward in training mode."""
    (network,) = twins(network, backend)
    inputs = inputs.clone().requires_grad_()
    weights = edge_weights and EdgeWeights({g: w.clone().requires_grad_() for g, w in edge_weights.items()})
    output = network(inputs, weights) if weights else network(inputs)
    pattern = torch.linspace(-1, 1, output.numel()).cos().view_as(output)
    (output * pattern).sum().backward()
    found = {"output": output.detach(), "inputs": inputs.grad}
    found |= {
        f"gradient of {name}": parameter.grad
        for name, parameter in network.named_parameters()
        if parameter.grad is not None  # an edge that leaves a node from which nothing reaches the output
    }
    found |= {name: buffer for name, buffer in network.named_buffers() if buffer.is_floating_point()}
    if weights:
        found |= {f"edge weights {name}": weight.grad for name, weight in weights.items()}
    return found


def assert_equal_to_op_by_op(
    network: torch.nn.Module, backend: str, inputs: torch.Tensor, weights: EdgeWeights | None = None
) -> None:
    expected, found = run(network, "op_by_op", inputs, weights), run(network, backend, inputs, weights)
    scale = max(value.abs().max() for name, value in expected.items() if "gradient" in name)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        # Biases in front of BatchNorm have a gradient of zero: rounding is measured against the others.
        size = scale if "bias" in name else value.abs().max().clamp_min(1e-3)
        assert (found[name] - value).abs().max() <= TOLERANCE * size, name


@pytest.mark.parametrize(("size", "image_channels"), SHAPES)
def test_supernet_generator_equals_op_by_op(backend, size, image_channels):
    network = a_generator(size, image_channels)
    assert_equal_to_op_by_op(network, backend, torch.randn(3, 6), sampled_weights("generator"))


@pytest.mark.parametrize(("size", "image_channels"), SHAPES)
def test_supernet_discriminator_equals_op_by_op(backend, size, image_channels):
    network, images = a_discriminator(image_channels), torch.randn(3, image_channels, size, size)
    assert_equal_to_op_by_op(network, backend, images, sampled_weights("discriminator"))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("size", "image_channels"), [(16, 1), (48, 3)])
def test_derived_generator_equals_op_by_op(backend, size, image_channels, seed):
    network = a_generator(size, image_channels, sample_genotype("generator", seed))
    assert_equal_to_op_by_op(network, backend, torch.randn(3, 6))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("size", "image_channels"), [(16, 1), (48, 3)])
def test_derived_discriminator_equals_op_by_op(backend, size, image_channels, seed):
    network = a_discriminator(image_channels, sample_genotype("discriminator", seed))
    assert_equal_to_op_by_op(network, backend, torch.randn(3, image_channels, size, size))


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_gradients_of_the_edge_weights_alone_equal_op_by_op(backend, network):
    """What an architecture step asks for: no gradient of any network weight."""
    net = a_generator(16, 3) if network == "generator" else a_discriminator(3)
    inputs = torch.randn(3, 6) if network == "generator" else torch.randn(3, 3, 16, 16)
    weights = EdgeWeights({g: weight.requires_grad_() for g, weight in sampled_weights(network).items()})
    expected, found = (
        torch.autograd.grad(twin(inputs, weights).square().sum(), list(weights.values()))
        for twin in twins(net.requires_grad_(False), "op_by_op", backend)
    )
    for one, other in zip(expected, found, strict=True):
        assert (one - other).abs().max() <= TOLERANCE * one.abs().max()


def test_evaluation_mode_makes_no_power_iteration(backend):
    network = a_discriminator(3).eval()
    use_backend(network, backend)
    before = copy.deepcopy(dict(network.named_buffers()))
    network(torch.randn(2, 3, 16, 16), sampled_weights("discriminator"))
    assert all(torch.equal(before[name], buffer) for name, buffer in network.named_buffers())


def test_two_forwards_before_one_backward_keep_their_own_power_iterations(backend):
    """Real and fake images in turn, as the released code does: u and v move between the forwards."""
    network, weights = a_discriminator(3), sampled_weights("discriminator")
    real, fake = torch.randn(2, 2, 3, 16, 16)
    expected, found = (
        torch.autograd.grad(
            twin(real, weights).sum() - twin(fake, weights).square().sum(), list(twin.parameters())
        )
        for twin in twins(network, "op_by_op", backend)
    )
    for one, other in zip(expected, found, strict=True):
        assert (one - other).abs().max() <= TOLERANCE * max(1, one.abs().max())


def test_weights_of_zero_and_one_have_right_gradients(backend):
    """One-hot edge weights: nothing may divide by them."""
    network = a_generator(16, 3)
    weights = EdgeWeights({g: w.clone() for g, w in sampled_weights("generator").items()})
    for weight in weights.values():
        weight.copy_(torch.nn.functional.one_hot(weight.argmax(-1), weight.shape[-1]))
    assert_equal_to_op_by_op(network, backend, torch.randn(3, 6), weights)
