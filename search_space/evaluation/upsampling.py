"""Upsampling edges in direct form: edges that leave one node share every interpolation.

Shapes: N batch, C channels, E edges, H height, W width of the input.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from search_space.evaluation.mixing import Bundle, Scaled, pick
from search_space.topology import Edge


def upsample(
    bundle: Bundle,
    edges: Sequence[Edge],
    x: Float[Tensor, "n c h w"],
    scaled: Scaled,
    depthwise: Tensor | None,
) -> Float[Tensor, "n e c h2 w2"]:
    """What the bundle's upsampling primitives send along the edges, all of which leave one node."""
    parts = []
    for filling in bundle.fillings:
        kernels, biases = scaled[filling.kind, filling.primitive.name]
        kernel = pick(kernels, filling, edges).flatten(0, 1)
        bias = None if biases is None else pick(biases, filling, edges).flatten()
        match filling.primitive.operation:
            case "nearest":
                # ReLU and a 1x1 convolution commute with it, at a quarter of the multiplications.
                parts.append(F.interpolate(F.conv2d(F.relu(x), kernel, bias), scale_factor=2, mode="nearest"))
            case "bilinear":
                larger = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
                parts.append(F.conv2d(F.relu(larger), kernel, bias))
            case "transposed":
                assert depthwise is not None
                taps = pick(depthwise, filling, edges).flatten(0, 1)
                parts.append(F.conv2d(_depthwise(F.relu(x), taps, len(edges)), kernel, groups=len(edges)))
    return sum(parts[1:], start=parts[0]).unflatten(1, (len(edges), -1))


def _depthwise(x: Tensor, taps: Float[Tensor, "ec 1 k k"], edges: int) -> Float[Tensor, "n ec h2 w2"]:
    repeated = x.repeat(1, edges, 1, 1)
    return F.conv_transpose2d(repeated, taps, stride=2, padding=1, output_padding=1, groups=len(taps))
