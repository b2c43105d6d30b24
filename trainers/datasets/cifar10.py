"""CIFAR-10: 50,000 training and 10,000 test images of 32x32 in ten classes."""

from typing import Literal

import numpy as np
import torch
from pydantic import PositiveInt

from search_space.frozen import Frozen
from trainers.datasets.decoding import resized, with_channels
from trainers.datasets.images import Images
from trainers.datasets.paths import Folder
from trainers.datasets.torchvision_files import open_intact


class Cifar10Config(Frozen):
    """CIFAR-10 as the released AdversarialNAS code reads it: training images, resized, no augmentation."""

    name: Literal["cifar10"] = "cifar10"
    root: Folder
    """Folder that holds, or shall hold, `cifar-10-batches-py`."""
    split: Literal["train", "test"] = "train"
    """Published FIDs compare with the statistics of `train` too."""
    image_size: PositiveInt = 32
    channels: Literal[1, 3] = 3
    download: bool = False
    """Fetch it (170 MB) when `root` has none."""


def load_cifar10(config: Cifar10Config) -> Images:
    """Images of one split in torchvision's order, with their labels; 154 MB of memory for `train`."""
    from torchvision.datasets import CIFAR10

    data = open_intact(CIFAR10, config.root, config.download, train=config.split == "train")
    pixels = torch.from_numpy(np.ascontiguousarray(data.data.transpose(0, 3, 1, 2)))
    pixels = with_channels(resized(pixels, config.image_size), config.channels)
    return Images.of(pixels, torch.tensor(data.targets))
