"""Handwritten digits that come with scikit-learn: 1,797 images of 8x8, no download. The laptop's data set."""

from typing import Literal

import numpy as np
import torch
from pydantic import PositiveInt

from search_space.frozen import Frozen
from trainers.datasets.decoding import resized, with_channels
from trainers.datasets.images import Images


class DigitsConfig(Frozen):
    """scikit-learn's bundled digits (UCI Optical Recognition of Handwritten Digits, test part)."""

    name: Literal["digits"] = "digits"
    image_size: PositiveInt = 16
    """Of the 8x8 originals, enlarged bilinearly: 16 is the smallest size G's three doublings reach from 2."""
    channels: Literal[1, 3] = 1


def load_digits(config: DigitsConfig) -> Images:
    """All 1,797 digits with their labels; ink values 0..16 become 0..255."""
    from sklearn.datasets import load_digits as load_bundled

    bundled = load_bundled()
    ink = np.rint(bundled.images * (255 / 16)).astype(np.uint8)
    pixels = resized(torch.from_numpy(ink).unsqueeze(1), config.image_size)
    labels = torch.from_numpy(bundled.target.astype(np.int64))
    return Images.of(with_channels(pixels, config.channels), labels)
