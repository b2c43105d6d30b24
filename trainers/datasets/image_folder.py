"""Any folder of images, of any sizes and kinds, in subfolders or not."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from trainers.datasets.config import ImageFolderConfig
from trainers.datasets.decoding import Encoded, decoded
from trainers.datasets.images import DataError
from trainers.datasets.preparing import BLOCK, Recipe, recipe_key

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm")
"""Which files are images, in lower or upper case. The others are not looked at, nor are hidden ones."""


def load_image_folder(config: ImageFolderConfig) -> Recipe:
    """The folder's images, sorted by their path in it.

    A file replaced within its timestamp's resolution by one of the same size is not noticed.

    Raises:
        DataError: the folder is absent or has no file with an image's suffix.
    """
    if not config.root.is_dir():
        raise DataError(f"data.root: there is no folder {config.root}; give --data.root FOLDER")
    files = image_files(config.root)
    if not files:
        raise DataError(f"data.root: no images ({', '.join(SUFFIXES)}) in {config.root}")
    return Recipe(
        recipe_key(config.name, config, [_identity(file, config.root) for file in files]),
        source=f"data.root: {config.root}",
        shape=(config.channels, config.image_size, config.image_size),
        blocks=lambda: decoded(config, _encoded(files, config.root), f"data.root: {config.root}: "),
    )


def image_files(root: Path) -> list[Path]:
    """Image files in an order that is the same on every machine; linked folders are followed."""
    paths = (Path(folder, name) for folder, _, names in os.walk(root, followlinks=True) for name in names)
    images = (path for path in paths if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    return sorted(images, key=lambda path: path.relative_to(root).as_posix())


def _identity(file: Path, root: Path) -> tuple[str, int, int]:
    # A link that leads nowhere is an image too, a broken one: it is not to be missed silently.
    stat = file.stat() if file.exists() else file.lstat()
    return file.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns


def _encoded(files: Sequence[Path], root: Path) -> Iterator[Encoded]:
    for start in range(0, len(files), BLOCK):
        some = files[start : start + BLOCK]
        yield Encoded([file.relative_to(root).as_posix() for file in some], some, labels=None)
