"""Size and channels of image tensors. Bit for bit what Pillow gives for the same image in a file."""

import torch.nn.functional as F
from jaxtyping import UInt8
from torch import Tensor

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
