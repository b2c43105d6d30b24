"""RowAdam beside torch's own Adam, which has every row as a parameter of its own."""

import copy

import pytest
import torch
from torch import nn

from trainers.options import AdamConfig
from trainers.strategies.row_adam import RowAdam

CONFIG = AdamConfig(lr=0.1, betas=(0.5, 0.9), weight_decay=0.01)
DRAWN = [(0, 2), (2,), (1, 2), (0,), (), (0, 1)]
"""Rows of each step; row 3 never."""


def gradient(step: int, shape: torch.Size) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(step))


def start() -> tuple[nn.Parameter, nn.Parameter]:
    generator = torch.Generator().manual_seed(9)
    return tuple(nn.Parameter(torch.randn(*shape, generator=generator)) for shape in ((4, 3, 2), (5,)))


def take(optimizer: RowAdam, stack: nn.Parameter, plain: nn.Parameter, steps) -> None:
    for step in steps:
        stack.grad, plain.grad = gradient(step, stack.shape), gradient(100 + step, plain.shape)
        optimizer.use({stack: DRAWN[step]})
        optimizer.step()


@pytest.fixture
def trained():
    stack, plain = start()
    optimizer = RowAdam([stack, plain], [stack], CONFIG)
    take(optimizer, stack, plain, range(len(DRAWN)))
    return stack, plain, optimizer


def test_rows_move_as_separate_parameters_do_under_torchs_adam(trained):
    stack, plain, optimizer = trained
    first, other = start()
    rows = [nn.Parameter(row.clone()) for row in first.detach()]
    options = {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.01, "fused": True}
    expected = torch.optim.Adam([*rows, other], **options)
    for step, drawn in enumerate(DRAWN):
        for number, row in enumerate(rows):
            row.grad = gradient(step, stack.shape)[number] if number in drawn else None
        other.grad = gradient(100 + step, plain.shape)
        expected.step()
    assert torch.equal(plain, other)
    assert not torch.equal(stack[0], first[0])
    for number, row in enumerate(rows):
        assert torch.equal(stack[number], row)
        if number < 3:
            for name in ("step", "exp_avg", "exp_avg_sq"):
                assert torch.equal(optimizer.state[stack][name][number], expected.state[row][name])


def test_a_row_that_was_never_used_stands_where_it_began(trained):
    stack, _, optimizer = trained
    assert torch.equal(stack[3], start()[0][3])
    assert all(not optimizer.state[stack][name][3].any() for name in ("step", "exp_avg", "exp_avg_sq"))


def test_stacked_parameters_of_which_no_rows_are_named_stand_still():
    stack, plain = start()
    optimizer = RowAdam([stack, plain], [stack], CONFIG)
    stack.grad, plain.grad = torch.ones_like(stack), torch.ones_like(plain)
    optimizer.step()
    assert torch.equal(stack, start()[0])
    assert not torch.equal(plain, start()[1])


def test_it_goes_on_from_its_state_as_if_it_had_never_stopped(trained, tmp_path):
    stack, plain = start()
    optimizer = RowAdam([stack, plain], [stack], CONFIG)
    take(optimizer, stack, plain, range(3))
    torch.save([optimizer.state_dict(), stack.detach(), plain.detach()], tmp_path / "state")
    state, *values = torch.load(tmp_path / "state", weights_only=True)
    resumed = [nn.Parameter(value) for value in values]
    other = RowAdam(resumed, resumed[:1], CONFIG)
    other.load_state_dict(state)
    take(other, *resumed, range(3, len(DRAWN)))
    for here, there in zip(resumed, trained[:2], strict=True):
        assert torch.equal(here, there)


def test_a_step_marked_as_not_finite_is_skipped():
    stack, plain = start()
    optimizer = RowAdam([stack, plain], [stack], CONFIG)
    before = copy.deepcopy(optimizer.state_dict())
    optimizer.found_inf = torch.ones(())
    take(optimizer, stack, plain, [0])
    assert torch.equal(stack, start()[0])
    assert torch.equal(optimizer.state[stack]["step"], before["state"][0]["step"])
