"""Every data set by its name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trainers.datasets.cifar10 import load_cifar10
from trainers.datasets.config import DataConfig
from trainers.datasets.digits import load_digits
from trainers.datasets.image_folder import load_image_folder
from trainers.datasets.images import Images
from trainers.datasets.parquet import load_parquet
from trainers.datasets.preparing import Recipe, prepared
from trainers.datasets.stl10 import load_stl10

DATASETS: Mapping[str, Callable[[Any], Images | Recipe]] = {
    "cifar10": load_cifar10,
    "digits": load_digits,
    "image_folder": load_image_folder,
    "parquet": load_parquet,
    "stl10": load_stl10,
}
"""Small sets load at once; the others say how their prepared file is made."""


def load_images(config: DataConfig, cache: Path) -> Images:
    """The configured images; large sets are prepared once in the cache folder and memory-mapped.

    Raises:
        DataError: absent or damaged data, or a cache folder that cannot be written.
    """
    loaded = DATASETS[config.name](config)
    return prepared(loaded, cache) if isinstance(loaded, Recipe) else loaded
