"""Handwritten digits of scikit-learn: 1,797 images of 8x8, without a download."""

import numpy as np
import torch

from trainers.datasets.config import DigitsConfig
from trainers.datasets.decoding import resized, with_channels
from trainers.datasets.images import Images


def load_digits(config: DigitsConfig) -> Images:
    """All 1,797 digits with their labels; ink values 0..16 become 0..255."""
    from sklearn.datasets import load_digits as load_bundled

    bundled = load_bundled()
    ink = np.rint(bundled.images * (255 / 16)).astype(np.uint8)
    pixels = resized(torch.from_numpy(ink).unsqueeze(1), config.image_size)
    labels = torch.from_numpy(bundled.target.astype(np.int64))
    return Images.of(with_channels(pixels, config.channels), labels)
