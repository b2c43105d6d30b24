import pytest
import torch
from torch import nn

from trainers.state import copy_buffers, copy_parameters, update_ema


def network(value: float) -> nn.BatchNorm2d:
    made = nn.BatchNorm2d(2)
    for tensor in (*made.parameters(), made.running_mean, made.running_var):
        tensor.data.fill_(value)
    return made


def test_average_moves_by_the_rest_of_the_decay():
    average, live = network(1), network(5)
    update_ema(average, live, 0.75)
    assert average.weight.tolist() == [2, 2]
    assert live.weight.tolist() == [5, 5]


@pytest.mark.parametrize("decay", [0.0, 0.9, 0.999])
def test_average_approaches_a_constant_exponentially(decay):
    average, live = network(1).double(), network(3).double()
    for _ in range(10):
        update_ema(average, live, decay)
    assert average.bias[0].item() == pytest.approx(3 - 2 * decay**10, abs=1e-12)


def test_buffers_are_not_averaged_but_taken_over():
    average, live = network(1), network(5)
    update_ema(average, live, 0.5)
    assert average.running_mean.tolist() == [1, 1]
    copy_buffers(average, live)
    assert average.running_mean.tolist() == [5, 5]
    assert average.weight.tolist() == [3, 3]


def test_copying_parameters_leaves_buffers_alone():
    target = network(1)
    copy_parameters(target, network(5))
    assert target.weight.tolist() == [5, 5]
    assert target.running_var.tolist() == [1, 1]


def test_average_of_a_frozen_copy_needs_no_gradients():
    average, live = network(1).requires_grad_(False), network(5)
    update_ema(average, live, 0.5)
    assert average.weight.grad_fn is None
    assert not torch.equal(average.weight, live.weight)
