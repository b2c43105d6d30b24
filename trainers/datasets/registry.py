"""Every data set by its name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from trainers.datasets.cifar10 import Cifar10Config, load_cifar10
from trainers.datasets.digits import DigitsConfig, load_digits
from trainers.datasets.image_folder import ImageFolderConfig, load_image_folder
from trainers.datasets.images import Images
from trainers.datasets.parquet import ParquetConfig, load_parquet
from trainers.datasets.preparing import Recipe, prepared
from trainers.datasets.stl10 import Stl10Config, load_stl10

DataConfig = Annotated[
    Cifar10Config | DigitsConfig | ImageFolderConfig | ParquetConfig | Stl10Config,
    Field(discriminator="name"),
]
"""Which images, and of which size: the options of the data set called `name`."""

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
