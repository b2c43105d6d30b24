"""A network that turns images into the features every score is made of.

n images, c channels, d features, k classes.
"""

import hashlib
from dataclasses import dataclass
from itertools import chain

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from trainers.metrics.errors import ScoreError


def weights_hash(network: nn.Module) -> str:
    """sha256 of all parameters and buffers with their names, hexadecimal."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Extractor:
    """A network and what identifies its features: scores of different extractors never compare."""

    name: str
    """Part of every score's name, `fd_<name>`; `inception` is the published one, of FID, IS and KID."""
    weights: str
    """sha256 of the weights, hexadecimal."""
    resize: str
    """The way in which images are resized to the network's own size."""
    dimension: int
    """Width d of the features."""
    classes: int
    """Number k of classes; 0 for a network without a classifier."""
    network: nn.Module
    """uint8 images [n, c, h, w] -> (features, logits or None)."""

    @property
    def device(self) -> torch.device:
        """The device on which it looks at images."""
        return next(chain(self.network.parameters(), self.network.buffers())).device

    @torch.no_grad()
    def __call__(
        self, pixels: UInt8[Tensor, "n c h w"]
    ) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n k"] | None]:
        """Features, and class logits where there is a classifier.

        Raises:
            ScoreError: neither grey nor colour images.
        """
        if pixels.shape[1] not in (1, 3):
            raise ScoreError(f"images have {pixels.shape[1]} channels: scores need 1 (grey) or 3 (colour)")
        return self.network(pixels)
