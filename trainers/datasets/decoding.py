"""Decoding images to one size and number of channels, bit for bit as Pillow does."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Int64, UInt8
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from search_space.errors import one_line
from trainers.datasets.config import DecodedConfig
from trainers.datasets.flattening import flattened
from trainers.datasets.images import DataError
from trainers.datasets.preparing import Block

LUMA = (19595, 38470, 7471)
"""Weights of R, G and B in 1/65536: ITU-R 601 as Pillow rounds it (mode `L`)."""


def resized(pixels: UInt8[Tensor, "n c h w"], size: int) -> UInt8[Tensor, "n c size size"]:
    """Bilinear, antialiased when shrinking: torchvision's `Resize` of a Pillow image."""
    if pixels.shape[-2:] == (size, size):
        return pixels
    return F.interpolate(pixels, size=(size, size), mode="bilinear", antialias=True)


def with_channels(pixels: UInt8[Tensor, "n k h w"], channels: int) -> UInt8[Tensor, "n c h w"]:
    """Gray is repeated to RGB; RGB becomes its luma."""
    if pixels.shape[1] == channels:
        return pixels
    if channels == 3:
        return pixels.repeat(1, 3, 1, 1)
    red, green, blue = (weight * pixels[:, i].int() for i, weight in enumerate(LUMA))
    return ((red + green + blue + (1 << 15)) >> 16).byte().unsqueeze(1)


MOST_PIXELS = 2**25
"""Size limit of one image: all cores decode at once, each into up to ten bytes per pixel."""

NAMED_BROKEN = 5
"""Broken images a message names; the others are counted."""


class Encoded(NamedTuple):
    """Some images of a source as they are stored."""

    names: Sequence[str]
    """The name of each of them in messages."""
    contents: Sequence[Path | bytes | None]
    labels: Int64[Tensor, " k"] | None


@dataclass(frozen=True)
class Broken:
    """An image that cannot be read."""

    name: str
    reason: str


def decoded(config: DecodedConfig, source: Iterable[Encoded], place: str = "") -> Iterator[Block]:
    """The source's images, decoded by all cores, in its order. Messages begin with the place.

    Raises:
        DataError: broken images under `on_broken: fail`; an image that does not become a square of the size.
    """
    skipped: list[Broken] = []
    with ThreadPoolExecutor() as pool:
        for encoded in source:
            results = list(pool.map(partial(decode, config), encoded.names, encoded.contents))
            broken = [result for result in results if isinstance(result, Broken)]
            if broken and config.on_broken == "fail":
                raise DataError(
                    f"{place}{_listed(broken)}; mend or remove them, or pass --data.on_broken skip"
                )
            skipped += broken
            images = [result for result in results if not isinstance(result, Broken)]
            if images:
                whole = torch.tensor([not isinstance(result, Broken) for result in results])
                labels = None if encoded.labels is None else encoded.labels[whole]
                yield Block(torch.from_numpy(np.stack(images)), labels)
    if skipped:
        logging.getLogger(__name__).warning("%sskipped %s", place, _listed(skipped))


def decode(
    config: DecodedConfig, name: str, content: Path | bytes | None
) -> UInt8[np.ndarray, "c h w"] | Broken:
    """One image of the configured size and channels.

    Raises:
        DataError: the resize and crop rules do not make a square of it.
    """
    try:
        image = _opened(content, config)
    except Exception as error:  # Pillow's decoders raise almost anything on damaged bytes
        return Broken(name, "not an image" if isinstance(error, UnidentifiedImageError) else one_line(error))
    image = _fitted(image, config)
    if image.size != (config.image_size, config.image_size):
        raise DataError(_of_other_size(name, image, config))
    return np.asarray(image).reshape(config.image_size, config.image_size, config.channels).transpose(2, 0, 1)


def _of_other_size(name: str, image: Image.Image, config: DecodedConfig) -> str:
    sizes = f"{name} is {image.width}x{image.height}, not {config.image_size}x{config.image_size}"
    if config.resize == config.crop == "none":
        return f"{sizes}; with data.resize and data.crop none, all images must be of one size"
    return (
        f"{sizes} after data.resize {config.resize} and data.crop {config.crop};"
        " choose other rules or data.image_size"
    )


def _opened(content: Path | bytes | None, config: DecodedConfig) -> Image.Image:
    if content is None:
        raise ValueError("no bytes")
    with Image.open(BytesIO(content) if isinstance(content, bytes) else content) as image:
        if image.width * image.height > MOST_PIXELS:  # the header says so; nothing is decoded yet
            raise ValueError(f"{image.width}x{image.height} pixels, more than {MOST_PIXELS // 10**6} million")
        upright = ImageOps.exif_transpose(image)
        return flattened(upright, "L" if config.channels == 1 else "RGB", config.background)


def _fitted(image: Image.Image, config: DecodedConfig) -> Image.Image:
    """Resized and cropped with torchvision's rounding (`Resize`, `CenterCrop`)."""
    size = config.image_size
    if config.resize == "stretch":
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    elif config.resize == "shorter_side":
        shorter = min(image.size)
        target = (size * image.width // shorter, size * image.height // shorter)
        image = image.resize(target, Image.Resampling.BILINEAR)
    if config.crop == "center" and min(image.size) >= size:
        left, top = round((image.width - size) / 2), round((image.height - size) / 2)
        image = image.crop((left, top, left + size, top + size))
    return image


def _listed(broken: Sequence[Broken]) -> str:
    """One line: how many images are broken, and which."""
    named = ", ".join(f"{image.name} ({image.reason})" for image in broken[:NAMED_BROKEN])
    more = f" and {len(broken) - NAMED_BROKEN} more" if len(broken) > NAMED_BROKEN else ""
    return f"{len(broken)} broken image{'s' if len(broken) > 1 else ''}: {named}{more}"
