import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.trainers.datasets.sources import noise
from trainers.datasets import batches as module
from trainers.datasets.batches import Batches
from trainers.datasets.images import DataError, Images


def numbered(count: int) -> Images:
    """Images of one pixel whose value is the image's index."""
    return Images.of(torch.arange(count, dtype=torch.uint8).view(count, 1, 1, 1))


def indices(batch: Tensor) -> list[int]:
    """Which of the numbered images these are."""
    return ((batch.flatten() + 1) * 127.5).round().int().tolist()


def test_pixels_are_spread_over_minus_one_to_one() -> None:
    images = Images.of(torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1, 1))
    batch = Batches(images, 3, seed=0).at(0)
    assert batch.dtype == torch.float32
    torch.testing.assert_close(batch.flatten().sort().values, torch.tensor([-1.0, -0.6, 1.0]))


def test_a_batch_has_the_shape_of_its_images() -> None:
    images = Images.of(torch.from_numpy(noise(12, 3, 5, 5)))
    assert Batches(images, 8, seed=0, rank=1, world_size=2).at(0).shape == (4, 3, 5, 5)


def test_an_epoch_shows_every_image_once() -> None:
    batches = Batches(numbered(24), 6, seed=0)
    assert batches.steps_per_epoch == 4
    for epoch in range(3):
        shown = [i for step in range(4) for i in indices(batches.at(4 * epoch + step))]
        assert sorted(shown) == list(range(24))


def test_an_epochs_incomplete_last_batch_is_dropped() -> None:
    batches = Batches(numbered(20), 6, seed=0)
    assert batches.steps_per_epoch == 3
    assert len({i for step in range(3) for i in indices(batches.at(step))}) == 18


def test_every_epoch_and_every_seed_has_an_order_of_its_own() -> None:
    batches = Batches(numbered(100), 100, seed=0)
    orders = [
        indices(batches.at(0)),
        indices(batches.at(1)),
        indices(Batches(numbered(100), 100, seed=1).at(0)),
    ]
    assert len({tuple(order) for order in orders}) == 3
    assert list(range(100)) not in orders


@settings(deadline=None)
@given(steps=st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_a_step_has_the_same_batch_whatever_was_asked_before(steps: list[int]) -> None:
    batches = Batches(numbered(20), 4, seed=3)
    for step in steps:
        assert torch.equal(batches.at(step), Batches(numbered(20), 4, seed=3).at(step))


@settings(deadline=None)
@given(
    world_size=st.integers(1, 6), share=st.integers(1, 5), spare=st.integers(0, 20), step=st.integers(0, 50)
)
def test_the_workers_shares_make_up_the_batch_of_one_worker(
    world_size: int, share: int, spare: int, step: int
) -> None:
    size = world_size * share
    images = numbered(size + spare)
    shares = [Batches(images, size, 7, rank, world_size).at(step) for rank in range(world_size)]
    assert torch.equal(torch.cat(shares), Batches(images, size, 7).at(step))


@settings(deadline=None)
@given(
    world_size=st.integers(1, 6), share=st.integers(1, 5), spare=st.integers(0, 20), step=st.integers(0, 50)
)
def test_the_workers_shares_of_each_half_make_up_the_half_of_one_worker(
    world_size: int, share: int, spare: int, step: int
) -> None:
    size = 2 * world_size * share
    images = numbered(size + spare)
    ranks = [Batches(images, size, 7, rank, world_size, halves=True) for rank in range(world_size)]
    weights, architecture = zip(*(batches.halves_at(step) for batches in ranks), strict=True)
    alone = Batches(images, size, 7, halves=True)
    assert torch.equal(torch.cat(weights), alone.halves_at(step)[0])
    assert torch.equal(torch.cat(architecture), alone.halves_at(step)[1])


def test_the_halves_are_the_batch_cut_in_two() -> None:
    batches = Batches(numbered(40), 12, seed=0, halves=True)
    weights, architecture = batches.halves_at(5)
    assert weights.shape == architecture.shape == (6, 1, 1, 1)
    assert torch.equal(torch.cat([weights, architecture]), batches.at(5))


def test_the_order_of_an_epoch_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    original = module.permutation
    monkeypatch.setattr(module, "permutation", lambda *asked: made.append(asked[1]) or original(*asked))
    batches = Batches(numbered(20), 5, seed=0)
    for step in range(8):
        batches.at(step)
    assert made == [0, 1]


def test_images_too_large_for_the_gpu_stay_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    images = numbered(100)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (399, 80_000))
    assert module._placed(images.pixels, torch.device("cuda")) is images.pixels


def test_a_batch_larger_than_the_set_is_refused() -> None:
    with pytest.raises(DataError, match="batch_size 11 exceeds the 10 images"):
        Batches(numbered(10), 11, seed=0)


def test_a_batch_that_does_not_divide_among_the_workers_is_refused_with_one_that_does() -> None:
    with pytest.raises(DataError, match=r"batch_size 10 does not divide by 4 \(4 workers\); 12 does"):
        Batches(numbered(50), 10, seed=0, world_size=4)


def test_a_batch_whose_halves_do_not_divide_among_the_workers_is_refused() -> None:
    Batches(numbered(50), 12, seed=0, world_size=4)
    with pytest.raises(DataError, match=r"does not divide by 8 \(4 workers x 2 halves\); 16 does"):
        Batches(numbered(50), 12, seed=0, world_size=4, halves=True)
