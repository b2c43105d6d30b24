import copy
import math

import pytest
import torch
from torch import nn

from search_space.stacked import StackedConvolution, StackedTransposed

pytestmark = pytest.mark.usefixtures("float64")

EDGES = 3


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def spectral_stack() -> StackedConvolution:
    return StackedConvolution(EDGES, 4, 5, kernel=3, spectral=True)


def unstacked(stack: StackedConvolution) -> list[nn.Module]:
    """One torch.nn layer under torch's own spectral norm for each edge."""
    layers = []
    for edge in range(EDGES):
        layer = nn.utils.spectral_norm(nn.Conv2d(4, 5, 3))
        layer.weight_orig.data = stack.weight.data[edge].clone()
        layer.weight_u, layer.weight_v = stack.u[edge].clone(), stack.v[edge].clone()
        layers.append(layer)
    return layers


def test_every_forward_in_training_makes_the_power_iteration_of_torch():
    stack = spectral_stack()
    layers = unstacked(stack)
    for _ in range(3):
        kernels = stack.normalized()
        for edge, layer in enumerate(layers):
            layer(torch.zeros(1, 4, 3, 3))
            torch.testing.assert_close(kernels[edge], layer.weight)
            torch.testing.assert_close(stack.u[edge], layer.weight_u)
            torch.testing.assert_close(stack.v[edge], layer.weight_v)


def test_gradient_passes_through_sigma_but_not_through_the_power_iteration():
    stack = spectral_stack()
    layers = unstacked(stack)
    probe = torch.randn(EDGES, 5, 4, 3, 3)
    (stack.normalized() * probe).sum().backward()
    for edge, layer in enumerate(layers):
        layer(torch.zeros(1, 4, 3, 3))
        (layer.weight * probe[edge]).sum().backward()
        torch.testing.assert_close(stack.weight.grad[edge], layer.weight_orig.grad)


def test_power_iterations_converge_to_a_spectral_norm_of_one():
    stack = spectral_stack()
    for _ in range(200):
        kernels = stack.normalized()
    norms = torch.linalg.matrix_norm(kernels.detach().flatten(2), ord=2)
    torch.testing.assert_close(norms, torch.ones(EDGES))


def test_evaluation_leaves_the_power_iteration_where_it_is():
    stack = spectral_stack().eval()
    before = copy.deepcopy(stack.state_dict())
    first, second = stack.normalized(), stack.normalized()
    assert torch.equal(first, second)
    assert all(torch.equal(value, before[name]) for name, value in stack.state_dict().items())


def test_each_edge_starts_xavier_uniform_with_the_default_bias_of_torch():
    stack = StackedConvolution(EDGES, 40, 50, kernel=3)
    bound = math.sqrt(6 / ((40 + 50) * 9))
    for weight in stack.weight.detach():
        assert 0.99 * bound < weight.abs().max() <= bound
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert 0.95 / math.sqrt(40 * 9) < stack.bias.abs().max() <= 1 / math.sqrt(40 * 9)


def test_edges_start_differently():
    stack = spectral_stack()
    for tensor in (stack.weight, stack.bias, stack.u, stack.v):
        assert not torch.equal(tensor[0], tensor[1])


def test_singular_vectors_start_as_random_unit_vectors():
    stack = spectral_stack()
    torch.testing.assert_close(stack.u.norm(dim=1), torch.ones(EDGES))
    torch.testing.assert_close(stack.v.norm(dim=1), torch.ones(EDGES))


def test_transposed_convolutions_have_no_bias_and_the_default_start_of_torch():
    stack = StackedTransposed(EDGES, 60, kernel=3)
    assert {name: tuple(p.shape) for name, p in stack.named_parameters()} == {
        "depthwise": (EDGES, 60, 1, 3, 3),
        "pointwise.weight": (EDGES, 60, 60, 1, 1),
    }
    layer = nn.ConvTranspose2d(60, 60, 3, groups=60, bias=False)
    for measure in (torch.max, torch.std):
        found, expected = (measure(weight.detach()).item() for weight in (stack.depthwise, layer.weight))
        assert found == pytest.approx(expected, rel=0.1)
