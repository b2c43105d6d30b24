"""Data sets that torchvision reads and, if the user allows it, downloads."""

import tarfile
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from search_space.errors import one_line
from trainers.datasets.images import DataError
from trainers.locks import alone_in


def open_intact(dataset: Any, root: Path, download: bool, **options: Any) -> Any:
    """The torchvision data set (a class and its options) in `root`, with its checksums verified.

    Raises:
        DataError: absent or damaged, and not to be downloaded or the download failed.
    """
    folder = root / dataset.base_folder
    if download and not folder.exists():
        _download(dataset, root)
    try:
        return dataset(root, **options)
    except (OSError, RuntimeError):  # torchvision's way of saying absent or damaged
        unpack = f"unpack {dataset.filename} in {root} or pass --data.download true"
        cure = "remove that to fetch it anew" if download else unpack
        raise DataError(f"data.root: no intact {dataset.__name__} in {folder}; {cure}") from None


def _download(dataset: Any, root: Path) -> None:
    """Fetched and unpacked aside, then renamed into place: one that breaks off leaves nothing behind."""
    folder = root / dataset.base_folder
    try:
        root.mkdir(parents=True, exist_ok=True)
        with alone_in(root), TemporaryDirectory(dir=root) as aside:
            if not folder.exists():  # another process may just have fetched it
                dataset(aside, download=True)
                (Path(aside) / dataset.base_folder).replace(folder)
    except (OSError, RuntimeError, HTTPException, tarfile.TarError) as error:
        raise DataError(
            f"data.download: {dataset.__name__} could not be fetched from {dataset.url} ({one_line(error)});"
            f" unpack {dataset.filename} in {root} by hand"
        ) from error
