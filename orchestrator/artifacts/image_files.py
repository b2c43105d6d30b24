"""Images as files: one grid, one array, or a folder.

Shapes: N images, C channels, H height, W width.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from search_space.errors import UserError
from trainers.files import written_whole


class ImageFileError(UserError):
    """Images cannot be written there."""


def write_images(path: Path, batches: Iterable[Tensor]) -> None:
    """Write batches of uint8 images [N, C, H, W] as a grid (.png), an array (.npz), or else into a folder.

    Raises:
        ImageFileError: another suffix, a folder that is not empty, or a disk that refuses.
    """
    writers = {".png": _write_grid, ".npz": _write_array, "": _write_folder}
    if path.suffix not in writers:
        raise ImageFileError(f"{path}: unknown suffix {path.suffix!r}; use .png, .npz, or none for a folder")
    try:
        writers[path.suffix](path, batches)
    except OSError as error:
        raise ImageFileError(f"{path}: {error.strerror}; name a place that can be written") from error


def _write_grid(path: Path, batches: Iterable[Tensor]) -> None:
    from orchestrator.plots.images import image_grid

    with written_whole(path) as file:
        file.write(image_grid(torch.cat(list(batches))))


def _write_array(path: Path, batches: Iterable[Tensor]) -> None:
    """`arr_0`, uint8 [N, H, W, C]: as the evaluation suites of diffusion models read it."""
    with written_whole(path) as file:
        np.savez(file, torch.cat(list(batches)).permute(0, 2, 3, 1).numpy())


def _write_folder(path: Path, batches: Iterable[Tensor]) -> None:
    from PIL import Image

    path.mkdir(parents=True, exist_ok=True)
    if any(path.iterdir()):
        raise ImageFileError(f"{path}: is not empty, and images of two kinds must not mix; name another")
    number = 0
    for batch in batches:
        for pixels in batch.permute(0, 2, 3, 1).numpy():
            image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
            image.save(path / f"{number:06d}.png")
            number += 1
