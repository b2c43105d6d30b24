import pytest
import torch

from trainers.losses.hinge import Hinge


def scores(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).unsqueeze(1).requires_grad_()


def test_hinge_of_d_is_the_mean_distance_to_the_margins():
    # Real: 0 above 1, else 1 - score: (0 + 1 + 2) / 3. Fake: (0 + 1) / 2.
    assert Hinge().discriminator(scores(2, 0, -1), scores(-3, 0)).item() == pytest.approx(1 + 0.5)


def test_loss_of_a_d_that_knows_nothing_is_2():
    assert Hinge().discriminator(scores(0, 0), scores(0)).item() == 2


def test_scores_beyond_the_margins_have_no_gradient():
    real, fake = scores(1.5, 0.5), scores(-1.5, -0.5)
    Hinge().discriminator(real, fake).backward()
    assert real.grad.flatten().tolist() == [0, -0.5]
    assert fake.grad.flatten().tolist() == [0, 0.5]


def test_generator_wants_high_scores():
    fake = scores(3, -1)
    loss = Hinge().generator(fake)
    loss.backward()
    assert loss.item() == -1
    assert fake.grad.flatten().tolist() == [-0.5, -0.5]
