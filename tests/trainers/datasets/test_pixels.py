import numpy as np
import pytest
import torch
from PIL import Image

from tests.trainers.datasets.sources import noise
from trainers.datasets.decoding import resized, with_channels


def by_pillow(pixels: np.ndarray, size: int) -> np.ndarray:
    images = (Image.fromarray(image.transpose(1, 2, 0)) for image in pixels)
    return np.stack([np.asarray(image.resize((size, size), Image.Resampling.BILINEAR)) for image in images])


@pytest.mark.parametrize(("source", "size"), [(96, 48), (8, 16), (32, 64)])
def test_resizing_by_two_is_bit_for_bit_pillows(source: int, size: int) -> None:
    pixels = noise(4, 3, source, source)
    expected = by_pillow(pixels, size).transpose(0, 3, 1, 2)
    assert np.array_equal(resized(torch.from_numpy(pixels), size).numpy(), expected)


@pytest.mark.parametrize(("source", "size"), [(32, 20), (17, 48), (96, 36)])
def test_resizing_by_any_factor_is_within_one_level_of_pillows(source: int, size: int) -> None:
    pixels = noise(4, 3, source, source)
    difference = resized(torch.from_numpy(pixels), size).numpy().astype(int) - by_pillow(
        pixels, size
    ).transpose(0, 3, 1, 2)
    assert np.abs(difference).max() <= 1


def test_images_of_the_right_size_are_not_touched() -> None:
    pixels = torch.from_numpy(noise(2, 3, 8, 8))
    assert resized(pixels, 8) is pixels


def test_gray_of_colours_is_bit_for_bit_pillows_luma() -> None:
    pixels = noise(1, 3, 64, 64)
    expected = np.asarray(Image.fromarray(pixels[0].transpose(1, 2, 0)).convert("L"))
    gray = with_channels(torch.from_numpy(pixels), 1)
    assert gray.shape == (1, 1, 64, 64)
    assert np.array_equal(gray[0, 0].numpy(), expected)


def test_gray_images_in_colour_have_three_equal_channels() -> None:
    gray = torch.from_numpy(noise(3, 1, 8, 8))
    colour = with_channels(gray, 3)
    assert colour.shape == (3, 3, 8, 8)
    assert all(torch.equal(colour[:, i], gray[:, 0]) for i in range(3))
