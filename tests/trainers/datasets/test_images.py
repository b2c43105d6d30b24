import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.trainers.datasets.sources import noise
from trainers.datasets.images import Images


def images(labels: list[int] | None = None, pixels: np.ndarray | None = None) -> Images:
    pixels = noise(4, 3, 5, 5) if pixels is None else pixels
    return Images.of(torch.from_numpy(pixels), None if labels is None else torch.tensor(labels))


def test_a_set_of_images_knows_its_dimensions() -> None:
    assert (len(images()), images().channels, images().image_size) == (4, 3, 5)


def test_equal_images_have_equal_hashes_of_sixteen_hex_digits() -> None:
    assert images().content_hash == images().content_hash
    assert len(images().content_hash) == 16
    assert int(images().content_hash, 16) > 0


@given(index=st.integers(0, 4 * 3 * 5 * 5 - 1), change=st.integers(1, 255))
def test_any_changed_pixel_changes_the_content_hash(index: int, change: int) -> None:
    changed = noise(4, 3, 5, 5)
    changed.reshape(-1)[index] ^= np.uint8(change)
    assert images(pixels=changed).content_hash != images().content_hash


@pytest.mark.parametrize("labels", [[0, 1, 2, 3], [0, 1, 2, 4]])
def test_labels_count_for_the_content_hash(labels: list[int]) -> None:
    others = [images().content_hash, images([3, 2, 1, 0]).content_hash]
    assert images(labels).content_hash not in others


def test_the_same_bytes_in_another_shape_have_another_content_hash() -> None:
    flat = noise(4, 3, 4, 4)
    assert images(pixels=flat).content_hash != images(pixels=flat.reshape(12, 1, 4, 4)).content_hash


def test_the_hash_does_not_depend_on_the_layout_in_memory() -> None:
    pixels = noise(4, 3, 5, 5)
    strided = np.asfortranarray(pixels)
    assert images(pixels=strided).content_hash == images(pixels=pixels).content_hash
