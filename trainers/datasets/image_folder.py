"""Any folder of images, of any sizes and kinds, in subfolders or not."""

import os
from collections import deque
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
        fault = "is no folder" if config.root.exists() else "does not exist"
        raise DataError(f"data.root: {config.root} {fault}; give --data.root FOLDER")
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
    """Image files in an order that is the same on every machine; linked folders are followed, each once.

    Regular files only: reading a pipe or a device of that name would wait for ever. A link that leads nowhere
    is an image too, a broken one: it is not to be missed silently.
    """
    paths = (Path(folder, name) for folder, names in _folders(root) for name in names)
    images = (path for path in paths if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    found = (path for path in images if path.is_file() or not path.exists())
    return sorted(found, key=lambda path: path.relative_to(root).as_posix())


def _folders(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Every folder once, with the names of its files; what lies below the root itself before what is linked.

    Links may lead back to where they lie: what is remembered of a folder is therefore not its path.
    """
    seen: set[tuple[int, int]] = set()
    starts = deque([str(root)])
    while starts:
        for folder, below, names in os.walk(starts.popleft()):
            stat = os.stat(folder)
            if (stat.st_dev, stat.st_ino) in seen:
                below.clear()
                continue
            seen.add((stat.st_dev, stat.st_ino))
            links = (os.path.join(folder, name) for name in sorted(below))
            starts.extend(link for link in links if os.path.islink(link))
            yield folder, names


def _identity(file: Path, root: Path) -> tuple[str, int, int]:
    stat = file.stat() if file.exists() else file.lstat()
    return file.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns


def _encoded(files: Sequence[Path], root: Path) -> Iterator[Encoded]:
    for start in range(0, len(files), BLOCK):
        some = files[start : start + BLOCK]
        yield Encoded([file.relative_to(root).as_posix() for file in some], some, labels=None)
