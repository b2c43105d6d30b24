"""What a generator makes, as the bytes of an image."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor


def to_uint8(images: Float[Tensor, "n c s s"]) -> UInt8[Tensor, "n c s s"]:
    """From [-1, 1] to 0..255, truncated as published scores are (x 127.5 + 127.5)."""
    return (images * 127.5 + 127.5).clamp(0, 255).to(torch.uint8)
