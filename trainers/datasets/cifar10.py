"""CIFAR-10: 50,000 training and 10,000 test images of 32x32 in ten classes."""

import numpy as np
import torch

from trainers.datasets.config import Cifar10Config
from trainers.datasets.decoding import resized, with_channels
from trainers.datasets.images import Images
from trainers.datasets.torchvision_files import open_intact


def load_cifar10(config: Cifar10Config) -> Images:
    """Images of one split in torchvision's order, with their labels; 154 MB of memory for `train`."""
    from torchvision.datasets import CIFAR10

    data = open_intact(CIFAR10, config.root, config.download, train=config.split == "train")
    pixels = torch.from_numpy(np.ascontiguousarray(data.data.transpose(0, 3, 1, 2)))
    pixels = with_channels(resized(pixels, config.image_size), config.channels)
    return Images.of(pixels, torch.tensor(data.targets))
