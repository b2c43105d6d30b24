import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits as load_bundled

from trainers.datasets.config import DigitsConfig
from trainers.datasets.digits import load_digits

BUNDLED = load_bundled()


def test_all_digits_come_with_their_labels() -> None:
    images = load_digits(DigitsConfig())
    assert images.pixels.shape == (1797, 1, 16, 16)
    assert images.labels is not None
    assert images.labels.tolist() == BUNDLED.target.tolist()


def test_no_ink_is_zero_and_full_ink_is_255() -> None:
    pixels = load_digits(DigitsConfig(image_size=8)).pixels[:, 0].numpy()
    assert np.abs(pixels - BUNDLED.images * 255 / 16).max() <= 0.5
    assert set(pixels[BUNDLED.images == 0]) == {0}
    assert set(pixels[BUNDLED.images == 16]) == {255}


def test_digits_are_enlarged_bilinearly() -> None:
    digit = Image.fromarray(np.rint(BUNDLED.images[3] * 255 / 16).astype(np.uint8))
    expected = np.asarray(digit.resize((16, 16), Image.Resampling.BILINEAR))
    assert np.array_equal(load_digits(DigitsConfig()).pixels[3, 0].numpy(), expected)


def test_digits_in_colour_are_the_gray_ones_three_times() -> None:
    gray, colour = (load_digits(DigitsConfig(channels=channels)).pixels for channels in (1, 3))
    assert torch.equal(colour, gray.expand(-1, 3, -1, -1))
