"""STL-10: 5,000 labelled training, 100,000 unlabelled and 8,000 test images of 96x96."""

from collections.abc import Iterator

import numpy as np
import torch

from trainers.datasets.config import Stl10Config
from trainers.datasets.decoding import resized, with_channels
from trainers.datasets.preparing import BLOCK, Block, Recipe, recipe_key
from trainers.datasets.torchvision_files import open_intact


def load_stl10(config: Stl10Config) -> Recipe:
    """Images of the split in torchvision's order with their labels, -1 for the unlabelled.

    The prepared file is known by the published checksums, so that it serves without the originals too.
    """
    from torchvision.datasets import STL10

    return Recipe(
        recipe_key(config.name, config, STL10.train_list + STL10.test_list),
        source=f"data.root: {config.root}",
        shape=(config.channels, config.image_size, config.image_size),
        blocks=lambda: _blocks(config),
    )


def _blocks(config: Stl10Config) -> Iterator[Block]:
    from torchvision.datasets import STL10

    # Part by part: torchvision concatenates `train+unlabeled` in 5.8 GB of memory.
    for part in config.split.split("+"):
        data = open_intact(STL10, config.root, config.download, split=part)
        for start in range(0, len(data), BLOCK):
            some = slice(start, start + BLOCK)
            pixels = resized(torch.from_numpy(np.ascontiguousarray(data.data[some])), config.image_size)
            labels = torch.from_numpy(data.labels[some].astype(np.int64))
            yield Block(with_channels(pixels, config.channels), labels)
