"""The losses of maximum mean discrepancy, against values recorded from the released code."""

import pytest
import torch

from search_space.errors import UserError
from tests.reference.recorded import assert_equal, recorded
from tests.trainers.small import BATCH, images, retrain_config, retrain_state
from trainers.datasets.batches import Batches
from trainers.losses.mmd import Mmd
from trainers.losses.schedule import LossSchedule
from trainers.retrain import retrain

BOUNDS = ((4, 0.25), (2, 0.25), (64, 1))
KICKS = {"plain": 0.0, "modified": 1e-4}


@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("variant", KICKS)
@pytest.mark.parametrize("player", ["critic", "gen"])
def test_losses_and_gradients_are_the_recorded_ones(variant, bounds, player):
    arrays = recorded("mmd_loss")
    real, fake = (arrays[name].clone().requires_grad_() for name in ("real", "fake"))
    loss = Mmd(upper_bound=bounds[0], lower_bound=bounds[1], kick=KICKS[variant])
    value = loss.discriminator(real, fake) if player == "critic" else loss.generator(fake, real)
    place = f"{variant}/bu{bounds[0]}_bl{bounds[1]}/{player}"
    assert_equal(value, arrays[f"{place}/loss"])
    gradients = torch.autograd.grad(value, (real, fake))
    for gradient, name in zip(gradients, ("grad_real", "grad_fake"), strict=True):
        assert_equal(gradient, arrays[f"{place}/{name}"], name)


def test_the_bounds_bind_in_what_is_recorded():
    """Else the recorded values would say nothing about them."""
    arrays = recorded("mmd_loss")
    losses = {bounds: arrays[f"plain/bu{bounds[0]}_bl{bounds[1]}/critic/loss"].item() for bounds in BOUNDS}
    assert len(set(losses.values())) == len(BOUNDS)


def test_what_one_side_has_more_is_dropped_and_said_once(caplog):
    real, fake = torch.randn(4, 16), torch.randn(7, 16)
    assert Mmd().generator(fake, real) == Mmd().generator(fake[:4], real)
    assert Mmd().discriminator(real, fake) == Mmd().discriminator(real, fake[:4])
    (said,) = caplog.messages
    assert said == (
        "loss mmd compares as many generated images as real ones: of an update's 7 generated images 3 are "
        "dropped, as there are 4 real ones; set generator_batch_size to match"
    )


def test_a_single_image_has_no_pair():
    with pytest.raises(UserError, match="compares pairs, found one image in an update; use a larger batch"):
        Mmd().discriminator(torch.randn(1, 16), torch.randn(3, 16))


def test_it_computes_in_float32_under_autocast():
    outputs = torch.randn(6, 16, dtype=torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert Mmd().generator(outputs, outputs + 1).dtype == torch.float32
        assert Mmd().discriminator(outputs, outputs + 1).dtype == torch.float32


def test_the_upper_bound_doubles_up_to_its_limit():
    assert [Mmd().changed(changes).upper_bound for changes in range(5)] == [4, 8, 16, 32, 32]
    assert Mmd(upper_bound=64).changed(1).upper_bound == 64


def watched(*fids: float) -> float:
    schedule, loss = LossSchedule(), Mmd(patience=2)
    for fid in fids:
        schedule.watch(loss, {"fid": fid, "is": 0.0})
        schedule.watch(loss, {})  # a report without an evaluation
    return schedule.current(loss).upper_bound


def test_the_upper_bound_doubles_after_evaluations_in_a_row_without_a_better_score():
    assert watched(9, 8, 9) == 4
    assert watched(9, 8, 9, 7, 8) == 4
    assert watched(9, 8, 9, 9) == 8
    assert watched(9, 8, 9, 9, 10) == 8
    assert watched(9, 8, 9, 9, 10, 11) == 16


def test_the_schedule_of_a_retraining_goes_on_from_its_checkpoint():
    config = retrain_config(loss=Mmd(patience=1))
    state, resumed = retrain_state(config), retrain_state(config)
    for fid in (5.0, 6.0):
        state.schedule.watch(config.loss, {"fid": fid})
    resumed.load_state_dict(state.state_dict())
    assert resumed.schedule.current(config.loss).upper_bound == 8


def test_a_retraining_evaluates_for_its_schedule():
    config = retrain_config(loss=Mmd(patience=1), report_every=1)
    state = retrain_state(config)
    for _ in retrain(state, Batches(images(), BATCH, 0), config, 0, lambda step, _: {"fid": step}):
        pass
    assert state.schedule.current(config.loss).upper_bound == 32
    assert state.discriminator.score.linear.weight.shape[1] == 16


def test_without_a_schedule_checkpoints_have_the_parts_they_always_had():
    assert "loss_schedule" not in retrain_state(retrain_config()).state_dict()
    assert "loss_schedule" not in retrain_state(retrain_config(loss=Mmd(patience=None))).state_dict()
