"""Images as uint8 tensors with labels, and errors of data."""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8
from torch import Tensor

from search_space.errors import UserError


class DataError(UserError):
    """Data that is absent, damaged or does not fit the configuration."""


@dataclass(frozen=True, eq=False)
class Images:
    """Square images of one size, 0..255, in memory or memory-mapped: then they are read-only."""

    pixels: UInt8[Tensor, "n c h w"]
    labels: Int64[Tensor, " n"] | None
    """Class of each image; -1 where a partly labelled set has none."""
    content_hash: str
    """Hash of the content, see `content_hash`: equal for equal images, whatever their source."""

    @classmethod
    def of(cls, pixels: UInt8[Tensor, "n c h w"], labels: Int64[Tensor, " n"] | None = None) -> "Images":
        """Images with the content_hash of these pixels and labels."""
        return cls(pixels, labels, content_hash(pixels.numpy(), None if labels is None else labels.numpy()))

    def __len__(self) -> int:
        return self.pixels.shape[0]

    @property
    def image_size(self) -> int:
        """Height and width in pixels."""
        return self.pixels.shape[-1]

    @property
    def channels(self) -> int:
        """1 (gray) or 3 (RGB)."""
        return self.pixels.shape[1]


def content_hash(pixels: UInt8[np.ndarray, "n c h w"], labels: Int64[np.ndarray, " n"] | None) -> str:
    """First 16 hex digits of the SHA-256 of shape, pixels and labels."""
    digest = hashlib.sha256(repr((*pixels.shape, labels is not None)).encode())
    digest.update(np.ascontiguousarray(pixels).reshape(-1).data)
    if labels is not None:
        digest.update(np.ascontiguousarray(labels, dtype="<i8").data)
    return digest.hexdigest()[:16]
