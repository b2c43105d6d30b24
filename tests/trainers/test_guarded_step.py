import copy
import math
from contextlib import suppress

import pytest
import torch
from torch import nn

from tests.trainers.small import CPU, differing
from trainers.guarded_step import PHASES, GuardedStep, NonFiniteLoss, adam, frozen
from trainers.options import AdamConfig


def parameter(*values: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values))


def mean_square(weights: nn.Parameter) -> torch.Tensor:
    """Gradient is the weights themselves."""
    return weights.square().sum() / 2


def test_adam_is_adam_with_l2_and_not_adamw():
    """Two steps by hand: betas (0.5, 0.9), weight decay 0.1 added to the gradient."""
    weights = nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    optimizer = adam([weights], AdamConfig(lr=0.01, betas=(0.5, 0.9), weight_decay=0.1))
    value, m, v = 2.0, 0.0, 0.0
    for step in (1, 2):
        GuardedStep(CPU)(mean_square(weights), optimizer, "alpha", step)
        gradient = value + 0.1 * value
        m, v = 0.5 * m + 0.5 * gradient, 0.9 * v + 0.1 * gradient**2
        value -= 0.01 * (m / (1 - 0.5**step)) / (math.sqrt(v / (1 - 0.9**step)) + 1e-8)
        assert weights.item() == pytest.approx(value, rel=1e-12)


def test_only_the_parameters_of_the_optimizer_move_and_nothing_keeps_a_gradient():
    stepped, other = parameter(1.0, 2.0), parameter(3.0)
    GuardedStep(CPU)((stepped.sum() * other.sum()) ** 2, adam([stepped], AdamConfig()), "generator", 0)
    assert stepped.tolist() == pytest.approx([1 - 2e-4, 2 - 2e-4])
    assert other.item() == 3
    assert stepped.grad is None
    assert other.grad is None


@pytest.mark.parametrize(
    "gradient",
    [torch.ones(1).expand(2, 3, 2, 2), torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last)],
    ids=["expanded", "channels last"],
)
def test_gradients_may_lie_in_memory_in_any_order(gradient):
    """The fused Adam reads them as if they lay as the parameters do; backward() would have copied them."""
    start = torch.randn(2, 3, 2, 2)
    stepped, expected = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    expected.grad = gradient.contiguous()
    torch.optim.Adam([expected], 0.1, (0.0, 0.9), foreach=False).step()
    config = AdamConfig(lr=0.1, betas=(0.0, 0.9))
    GuardedStep(CPU)(_Given.apply(stepped, gradient), adam([stepped], config), "generator", 0)
    torch.testing.assert_close(stepped, expected)


class _Given(torch.autograd.Function):
    """A loss whose gradient is given, its layout included."""

    @staticmethod
    def forward(ctx, weights, gradient):
        ctx.gradient = gradient
        return weights.sum()

    @staticmethod
    def backward(ctx, _):
        return ctx.gradient, None


def test_parameter_that_the_loss_does_not_use_stays():
    used, unused = parameter(1.0), parameter(5.0)
    GuardedStep(CPU)(mean_square(used), adam([used, unused], AdamConfig()), "generator", 0)
    assert unused.item() == 5


@pytest.mark.parametrize(("limit", "expected"), [(1.0, [-0.6, -0.8]), (50.0, [-3.0, -4.0])])
def test_gradients_are_clipped_by_their_norm(limit, expected):
    weights = parameter(3.0, 4.0)
    optimizer = torch.optim.SGD([weights], lr=1.0)
    GuardedStep(CPU)(mean_square(weights), optimizer, "generator", 0, limit)
    assert (weights - torch.tensor([3.0, 4.0])).tolist() == pytest.approx(expected, rel=1e-5)


def test_clipping_takes_the_norm_after_averaging(monkeypatch):
    """This worker's gradient is (3, 4), the mean over workers (0, 4): its norm is 4, not 5."""

    def average(tensors):
        tensors[0].copy_(torch.tensor([0.0, 4.0]))

    monkeypatch.setattr("trainers.guarded_step.average", average)
    weights = parameter(3.0, 4.0)
    GuardedStep(CPU)(mean_square(weights), torch.optim.SGD([weights], lr=1.0), "generator", 0, 4.5)
    assert weights.tolist() == [3.0, 0.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("phase", PHASES)
def test_loss_that_is_not_finite_is_named_and_nothing_is_stepped(phase, bad):
    weights = parameter(1.0, 2.0)
    optimizer, descent = adam([weights], AdamConfig()), GuardedStep(CPU)
    descent(mean_square(weights), optimizer, phase, 0)
    before = copy.deepcopy([weights.data, optimizer.state_dict()])
    with pytest.raises(
        NonFiniteLoss, match=f"the loss of the {phase} update is not finite at step 8 on rank 0"
    ):
        descent(mean_square(weights) * bad, optimizer, phase, 7)
    assert differing([weights.data, optimizer.state_dict()], before) == []


def test_a_loss_that_is_not_finite_on_another_worker_stops_this_one(monkeypatch):
    def average(tensors):
        tensors[-1].fill_(0.5)

    monkeypatch.setattr("trainers.guarded_step.average", average)
    weights = parameter(1.0)
    with pytest.raises(NonFiniteLoss, match="not finite on another rank"):
        GuardedStep(CPU)(mean_square(weights), adam([weights], AdamConfig()), "beta", 0)
    assert weights.item() == 1


class TestDeferred:
    """As on a GPU, where reading a loss would make the host wait; the fused Adam of the CPU skips too."""

    def test_finite_losses_give_what_immediate_descent_gives(self):
        results = []
        for deferred in (False, True):
            weights = parameter(1.0, -2.0)
            optimizer, descent = adam([weights], AdamConfig()), GuardedStep(CPU, deferred=deferred)
            for step in range(3):
                descent(mean_square(weights), optimizer, "generator", step)
            descent.check()
            results.append([weights.data, optimizer.state_dict()])
        assert differing(*results) == []

    def test_nothing_is_stepped_from_the_first_bad_loss_on_and_check_names_it(self):
        weights = parameter(1.0, 2.0)
        optimizer, descent = adam([weights], AdamConfig()), GuardedStep(CPU, deferred=True)
        descent(mean_square(weights), optimizer, "discriminator", 0)
        before = copy.deepcopy([weights.data, optimizer.state_dict()])
        descent(mean_square(weights) * math.nan, optimizer, "discriminator", 3)
        descent(mean_square(weights) * math.inf, optimizer, "generator", 3)
        descent(mean_square(weights), optimizer, "discriminator", 4)
        assert differing([weights.data, optimizer.state_dict()], before) == []
        with pytest.raises(NonFiniteLoss, match="the discriminator update is not finite at step 4 on rank 0"):
            descent.check()

    @pytest.mark.parametrize("clip", [None, 1.0])
    def test_one_bad_worker_of_many_is_enough(self, monkeypatch, clip):
        """Its gradients have spoilt everybody's mean; the mean of the flags is a share of 1."""

        def average(tensors):
            for gradient in tensors[:-1]:
                gradient.fill_(math.nan)
            tensors[-1].fill_(1 / 8)

        weights = parameter(1.0, 2.0)
        optimizer, descent = adam([weights], AdamConfig()), GuardedStep(CPU, deferred=True)
        descent(mean_square(weights), optimizer, "generator", 0)
        before = copy.deepcopy([weights.data, optimizer.state_dict()])
        monkeypatch.setattr("trainers.guarded_step.average", average)
        descent(mean_square(weights), optimizer, "generator", 1, clip)
        assert differing([weights.data, optimizer.state_dict()], before) == []
        with pytest.raises(NonFiniteLoss, match="another rank"):
            descent.check()


def test_frozen_modules_get_no_gradients_and_thaw_as_they_were():
    module = nn.Linear(2, 2)
    module.bias.requires_grad_(False)
    with suppress(KeyError), frozen(module):
        assert not module.weight.requires_grad
        raise KeyError
    assert module.weight.requires_grad
    assert not module.bias.requires_grad
