import pytest
import torch

from tests.trainers.small import (
    differing,
    retrain_config,
    retrain_state,
    search_config,
    search_state,
    tensors,
)

pytestmark = pytest.mark.usefixtures("unchecked_shapes")

KINDS = {
    "search": lambda seed: search_state(search_config(), seed),
    "retrain": lambda seed: retrain_state(retrain_config(), seed),
}


@pytest.fixture(params=KINDS)
def fresh(request):
    return KINDS[request.param]


def test_state_is_restored_through_a_file_that_holds_no_code(fresh, tmp_path):
    saved, other = fresh(0), fresh(1)
    saved.step = 7
    assert differing(saved.state_dict(), other.state_dict())
    torch.save(saved.state_dict(), tmp_path / "state.pt")
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert other.step == 7
    assert differing(saved.state_dict(), other.state_dict()) == []


def test_equal_seeds_give_equal_states(fresh):
    torch.manual_seed(1)
    first = fresh(3)
    torch.manual_seed(2)
    assert differing(first.state_dict(), fresh(3).state_dict()) == []
    assert differing(first.state_dict(), fresh(4).state_dict())


def test_making_a_state_leaves_the_global_random_numbers_alone(fresh):
    before = torch.random.get_rng_state()
    fresh(0)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_moving_average_starts_at_the_generator_and_is_never_differentiated(fresh):
    state = fresh(0)
    assert differing(state.generator.state_dict(), state.ema_generator.state_dict()) == []
    assert not any(parameter.requires_grad for parameter in state.ema_generator.parameters())


@pytest.mark.parametrize("part", ["generator", "discriminator_optimizer", "step"])
def test_missing_part_is_said_and_nothing_is_changed(fresh, part):
    state, content = fresh(0), fresh(1).state_dict()
    before = tensors(state.state_dict())
    del content[part]
    with pytest.raises(ValueError, match=f"the checkpoint lacks {part}"):
        state.load_state_dict(content)
    assert differing(state.state_dict(), state.state_dict()) == []
    assert all(torch.equal(value, before[path]) for path, value in tensors(state.state_dict()).items())


@pytest.mark.parametrize(
    ("replace", "said"),
    [
        (torch.zeros(5), r"shape \(5,\) in the checkpoint and \(3,\) in this configuration"),
        (None, r"shape None in the checkpoint and \(3,\) in this configuration"),
    ],
)
def test_state_of_other_networks_is_refused_and_nothing_is_changed(fresh, replace, said):
    state, content = fresh(0), fresh(1).state_dict()
    before = tensors(state.state_dict())
    generator = dict(content["ema_generator"])
    if replace is None:
        del generator["norm.weight"]
    else:
        generator["norm.weight"] = replace
    with pytest.raises(ValueError, match=rf"ema_generator.norm.weight has {said}: use the configuration"):
        state.load_state_dict(content | {"ema_generator": generator})
    assert all(torch.equal(value, before[path]) for path, value in tensors(state.state_dict()).items())
