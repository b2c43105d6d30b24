"""The slow twin: supernets from the specification in plain torch.nn, one module an edge and primitive.

Attributes spell the released parameter names, so that `state_dict` needs no mapping. Nothing is shared with
`search_space`: vocabularies, edges and paddings are written out once more.

Source: AdversarialNAS (arXiv 1912.02037); torch.nn.utils.spectral_norm in its old form, as released.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

CONVOLUTIONS = ((1, 1), (3, 1), (5, 1), (3, 2), (5, 2))
"""Kernel and dilation, in the order of every vocabulary that has them."""

Rows = tuple[Tensor, Tensor]
"""Weights of one cell's normal edges [5, 7] and of its resampling edges [2, P]."""


class Zero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


class Convolution(nn.Module):
    """ReLU (except on the image), then a convolution that keeps the size, or halves it with a stride of 2."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        dilation: int,
        *,
        stride: int,
        relu: bool,
        spectral: bool,
    ) -> None:
        super().__init__()
        layer = nn.Conv2d(inputs, outputs, kernel, stride, dilation * (kernel // 2), dilation)
        self.layer_name = "conv" if dilation == 1 else "dilconv"
        self.add_module(self.layer_name, spectral_norm(layer) if spectral else layer)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        return self.get_submodule(self.layer_name)(F.relu(x) if self.relu else x)


class Upsampling(nn.Module):
    """Interpolation by 2, ReLU, 1x1 convolution."""

    def __init__(self, channels: int, mode: str) -> None:
        super().__init__()
        self.c = nn.Sequential(nn.ReLU(), nn.Conv2d(channels, channels, 1))
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        return self.c(F.interpolate(x, scale_factor=2, mode=self.mode))


class Transposed(nn.Module):
    """ReLU, depthwise transposed convolution, 1x1 convolution, both without bias."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        larger = nn.ConvTranspose2d(channels, channels, 3, 2, 1, 1, groups=channels, bias=False)
        self.convT = nn.Sequential(nn.ReLU(), larger, nn.Conv2d(channels, channels, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.convT(x)


class Edge(nn.Module):
    """Weighted sum of primitives; weights beyond the last primitive fall on nothing, as released."""

    def __init__(self, primitives: Sequence[nn.Module], name: str = "ops") -> None:
        super().__init__()
        self.add_module(name, nn.ModuleList(primitives))
        self.name = name

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        primitives = self.get_submodule(self.name)
        return sum(weight * primitive(x) for weight, primitive in zip(weights, primitives, strict=False))


def normal(channels: int, *, spectral: bool) -> Edge:
    convolutions = [
        Convolution(channels, channels, *shape, stride=1, relu=True, spectral=spectral)
        for shape in CONVOLUTIONS
    ]
    return Edge([Zero(), nn.Identity(), *convolutions])


def image(image_channels: int, channels: int) -> Edge:
    return Edge(
        [
            Convolution(image_channels, channels, *shape, stride=1, relu=False, spectral=True)
            for shape in CONVOLUTIONS
        ]
    )


def up(channels: int) -> Edge:
    return Edge(
        [Upsampling(channels, "nearest"), Upsampling(channels, "bilinear"), Transposed(channels)], "ups"
    )


def down(channels: int) -> Edge:
    convolutions = [
        Convolution(channels, channels, *shape, stride=2, relu=True, spectral=True)
        for shape in CONVOLUTIONS[1:]
    ]
    return Edge([nn.AvgPool2d(2), nn.MaxPool2d(2), *convolutions])


class GeneratorCell(nn.Module):
    def __init__(self, channels: int, skip_modes: Sequence[str]) -> None:
        super().__init__()
        self.up0, self.up1 = up(channels), up(channels)
        for number in range(5):
            self.add_module(f"c{number}", normal(channels, spectral=False))
        self.skip_in_ops = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in skip_modes)
        self.skip_modes = skip_modes

    def forward(self, x: Tensor, rows: Rows, skips: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        a, r = rows
        node1, node2 = self.up0(x, r[0]), self.up1(x, r[1])
        node3 = self.c0(node1, a[0]) + self.c1(node2, a[1])
        for skip, mode, convolution in zip(skips, self.skip_modes, self.skip_in_ops, strict=True):
            node3 = node3 + convolution(F.interpolate(skip, size=node3.shape[-2:], mode=mode))
        return self.c2(node1, a[2]) + self.c3(node2, a[3]) + self.c4(node3, a[4]), node3


class ReleasedGenerator(nn.Module):
    """G and alpha; images of 8 x bottom_width from 120 latents in three parts."""

    def __init__(self, channels: int, image_channels: int = 3, bottom_width: int = 4) -> None:
        super().__init__()
        self.channels, self.bottom_width = channels, bottom_width
        for part in range(3):
            self.add_module(f"l{part + 1}", nn.Linear(40, channels * (bottom_width * 2**part) ** 2))
        self.cell1 = GeneratorCell(channels, ())
        self.cell2 = GeneratorCell(channels, ("bilinear",))
        self.cell3 = GeneratorCell(channels, ("nearest", "nearest"))
        self.to_rgb = nn.Sequential(
            nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, image_channels, 3, padding=1), nn.Tanh()
        )
        self.alphas_normal = nn.Parameter(1e-3 * torch.randn(3, 5, 7))
        self.alphas_up = nn.Parameter(1e-3 * torch.randn(3, 2, 3))

    def forward(self, z: Tensor, rows: Rows) -> Tensor:
        width, (normals, ups) = self.bottom_width, rows
        parts = [
            layer(part).view(len(z), self.channels, width * scale, width * scale)
            for part, layer, scale in zip(z.split(40, 1), (self.l1, self.l2, self.l3), (1, 2, 4), strict=True)
        ]
        h, skip1 = self.cell1(parts[0], (normals[0], ups[0]), ())
        h, skip2 = self.cell2(h + parts[1], (normals[1], ups[1]), (skip1,))
        h, _ = self.cell3(h + parts[2], (normals[2], ups[2]), (skip1, skip2))
        return self.to_rgb(h)


class DiscriminatorCell(nn.Module):
    def __init__(self, channels: int, image_channels: int | None = None) -> None:
        super().__init__()
        for number in range(5):
            reads_image = image_channels is not None and number < 3
            edge = image(image_channels, channels) if reads_image else normal(channels, spectral=True)
            self.add_module(f"c{number}", edge)
        self.down0, self.down1 = down(channels), down(channels)

    def forward(self, x: Tensor, rows: Rows) -> Tensor:
        b, r = rows
        node1 = self.c0(x, b[0])
        node2 = self.c1(x, b[1]) + self.c3(node1, b[3])
        node3 = self.c2(x, b[2]) + self.c4(node1, b[4])
        return self.down0(node2, r[0]) + self.down1(node3, r[1])


class ReleasedDiscriminator(nn.Module):
    """D and beta."""

    def __init__(self, channels: int, image_channels: int = 3) -> None:
        super().__init__()
        self.block1 = DiscriminatorCell(channels, image_channels)
        self.block2, self.block3, self.block4 = (DiscriminatorCell(channels) for _ in range(3))
        self.l5 = spectral_norm(nn.Linear(channels, 1, bias=False))
        self.alphas_normal = nn.Parameter(1e-3 * torch.randn(4, 5, 7))
        self.alphas_down = nn.Parameter(1e-3 * torch.randn(4, 2, 6))

    def forward(self, images: Tensor, rows: Rows) -> Tensor:
        h = images
        for block, *cell in zip((self.block1, self.block2, self.block3, self.block4), *rows, strict=True):
            h = block(h, cell)
        return self.l5(F.relu(h).sum((2, 3)))
