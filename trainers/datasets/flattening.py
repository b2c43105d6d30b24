"""Converting every kind of image that Pillow opens to 8 bits of grey or RGB."""

import warnings
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageColor

# Pillow warns of broken EXIF, transparent palettes and large images in its own words, with a line of code.
# What matters of an image is said in ours: see `decoding` and `survey`.
warnings.filterwarnings("ignore", module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

ORIENTATION = 0x0112
"""EXIF's tag that says how a photograph is to be turned; 1 is upright."""

GREY = ("1", "L", "LA", "La")
"""Pillow's modes of grey images, beside those of 16 bits (`I;16` and its byte orders)."""


class Kind(NamedTuple):
    """The properties that an image file's header states."""

    format: str
    """PNG, JPEG, ..."""
    size: tuple[int, int]
    """Width and height as stored, before it is turned upright."""
    grey: bool
    transparent: bool
    palette: bool
    deep: bool
    """16 bits a channel."""
    animated: bool
    turned: bool


def kind_of(image: Image.Image) -> Kind:
    """The kind of an image, from its header; palettes and EXIF are read, pixels are not."""
    deep = image.mode.startswith("I")
    return Kind(
        format=image.format or "?",
        size=image.size,
        grey=deep or image.mode in GREY or (image.mode == "P" and _grey_palette(image)),
        transparent=image.has_transparency_data,
        palette=image.mode in ("P", "PA"),
        deep=deep,
        animated=getattr(image, "n_frames", 1) > 1,
        turned=image.getexif().get(ORIENTATION, 1) != 1,
    )


def flattened(image: Image.Image, mode: str, background: str | None) -> Image.Image:
    """The image in mode `L` or `RGB`: transparent parts show the background; without one, transparency is
    dropped and the colours below it show.

    Raises:
        ValueError: more than 16 bits a channel, whose range the file does not say.
    """
    image = _eight_bits(image)
    if background is None or not image.has_transparency_data:
        return image.convert(mode)
    colours = image.convert("RGBA")
    below = Image.new("RGBA", image.size, (*ImageColor.getrgb(background)[:3], 255))
    return Image.alpha_composite(below, colours).convert(mode)


def _eight_bits(image: Image.Image) -> Image.Image:
    """16 bits become 8, rounded; of colours Pillow itself keeps the upper 8."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 2**16 - 1:
        raise ValueError(f"more than 16 bits a channel (mode {image.mode}); save it with 8 or 16")
    return Image.fromarray(((values.astype(np.uint32) * 255 + 2**15) // (2**16 - 1)).astype(np.uint8))


def _grey_palette(image: Image.Image) -> bool:
    palette = np.array(image.getpalette("RGB") or [0, 0, 0]).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())
