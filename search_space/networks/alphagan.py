"""Generators of alphaGAN's space, as a supernet or as the derived network of a genotype.

Shapes: N batch, C channels, H height, W width.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.architecture import EdgeWeights
from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import GhostBatchNorm2d
from search_space.networks.uncut import UncutGenerator, deconvolution, enlarged
from search_space.space import SearchSpace

SEPARABLE = "sep_conv"
CONVOLUTION = "conv"


class AlphaGanGenerator(UncutGenerator):
    """Three cells whose edges up-sample, convolve, and carry up-sampled inputs of earlier cells to outputs.

    Source: alphaGAN, commit db940bd.
    """

    def __init__(self, config: GeneratorConfig, genotype: Genotype | None = None) -> None:
        super().__init__(config, genotype, "alphagan")

    def cell(self, index: int, names: Sequence[str] | None) -> nn.Module:
        """The cell in one place: of these choices or, for None, of the supernet."""
        return AlphaGanCell(self.space, index, names, self.config.channels)


class AlphaGanCell(nn.Module):
    """Two enlargements, three normal edges, skips into the output; doubles height and width."""

    def __init__(self, space: SearchSpace, index: int, names: Sequence[str] | None, channels: int) -> None:
        super().__init__()
        edges = space.cells["generator"][index]
        # Not affine in the supernet, as a scale would make up for the weight of its primitive.
        affine = names is not None
        self._slots = space.slots(edges)
        self.ups, self.normals, self.skips = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        of_kind = {"up": self.ups, "normal": self.normals, "skip": self.skips}
        for place, edge in enumerate(edges):
            choices = space.names(edge.kind) if names is None else (names[place],)
            operation = NormalEdge(choices, channels, affine=affine) if edge.kind == "normal" else None
            of_kind[edge.kind].append(operation or EnlargingEdge(choices, channels))

    def forward(
        self,
        x: Float[Tensor, "n c h w"],
        edge_weights: EdgeWeights | None = None,
        skips: Sequence[Tensor] = (),
    ) -> tuple[Float[Tensor, "n c h2 w2"], Float[Tensor, "n c h2 w2"]]:
        """The cell's output and, for later cells, its enlarged input."""
        first, second = (up(x, _row(edge_weights, "up", row)) for row, up in enumerate(self.ups))
        normal = [_row(edge_weights, "normal", row) for row in range(len(self.normals))]
        out = self.normals[1](self.normals[0](first, normal[0]), normal[1])
        out = out + self.normals[2](second, normal[2])
        for row, (skip, carried) in enumerate(zip(self.skips, skips, strict=True)):
            out = out + skip(carried, _row(edge_weights, "skip", row), len(skips) - row)
        return out, first


def _row(edge_weights: EdgeWeights | None, group: str, row: int) -> Tensor | None:
    return None if edge_weights is None else edge_weights[group][row]


class EnlargingEdge(nn.Module):
    """Doubles height and width, without activation; a mixture has a weight for each choice."""

    def __init__(self, choices: Sequence[str], channels: int) -> None:
        super().__init__()
        self._choices = choices
        self.deconv = deconvolution(channels) if "deconv" in choices else None

    def forward(
        self, x: Float[Tensor, "n c h w"], weights: Float[Tensor, " p"] | None = None, doublings: int = 1
    ) -> Float[Tensor, "n c h2 w2"]:
        """Enlarged by the one choice, or by the weighted sum of all."""
        outputs = [self._enlarged(x, name, doublings) for name in self._choices]
        return outputs[0] if weights is None else _mixed(weights, outputs)

    def _enlarged(self, x: Tensor, name: str, doublings: int) -> Tensor:
        """Over two cells a choice is applied twice: with the same weights, and to its own output alone."""
        for _ in range(doublings):
            x = self.deconv(x) if self.deconv is not None and name == "deconv" else enlarged(x, name)
        return x


class NormalEdge(nn.Module):
    """Convolutions of the activated input, plain or separable. Plain ones are mixed as kernels."""

    def __init__(self, choices: Sequence[str], channels: int, *, affine: bool) -> None:
        super().__init__()
        self._choices = choices
        self.plain, self.separable = nn.ModuleDict(), nn.ModuleDict()
        for name in choices:
            operation, _, size = name.rpartition("_")
            if operation == SEPARABLE:
                self.separable[name] = Separable(channels, int(size[0]), affine=affine)
            elif operation == CONVOLUTION:
                kernel = int(size[0])
                self.plain[name] = nn.Conv2d(channels, channels, kernel, padding=kernel // 2)

    def forward(
        self, x: Float[Tensor, "n c h w"], weights: Float[Tensor, " p"] | None = None
    ) -> Float[Tensor, "n c h w"]:
        """The one choice, or the weighted sum of all."""
        if weights is None:
            return self._alone(x, self._choices[0])
        weight = dict(zip(self._choices, weights.unbind(), strict=True))
        outputs = [weight[name] * self._alone(x, name) for name in self._choices if name not in self.plain]
        return sum(outputs, start=self._mixed_plain(x, weight))

    def _alone(self, x: Tensor, name: str) -> Tensor:
        if name in self.separable:
            return cast(Tensor, self.separable[name](x))
        if name in self.plain:
            return cast(Tensor, self.plain[name](F.relu(x)))
        return x if name == "skip_connect" else 0 * x

    def _mixed_plain(self, x: Tensor, weight: Mapping[str, Tensor]) -> Tensor:
        convolutions = {name: cast(nn.Conv2d, convolution) for name, convolution in self.plain.items()}
        half = max(int(convolution.padding[0]) for convolution in convolutions.values())
        kernels, biases = [], []
        for name, convolution in convolutions.items():
            margin = half - int(convolution.padding[0])
            kernels.append(weight[name] * F.pad(convolution.weight, (margin,) * 4))
            assert convolution.bias is not None
            biases.append(weight[name] * convolution.bias)
        return F.conv2d(F.relu(x), torch.stack(kernels).sum(0), torch.stack(biases).sum(0), padding=half)


class Separable(nn.Module):
    """Twice: ReLU, depthwise and pointwise convolution without bias, BatchNorm."""

    def __init__(self, channels: int, kernel: int, *, affine: bool) -> None:
        super().__init__()
        self.halves = nn.Sequential(*(_half(channels, kernel, affine=affine) for _ in range(2)))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Keeps height and width."""
        return cast(Tensor, self.halves(x))


def _half(channels: int, kernel: int, *, affine: bool) -> nn.Sequential:
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        GhostBatchNorm2d(channels, affine=affine),
    )


def _mixed(weights: Tensor, outputs: Sequence[Tensor]) -> Tensor:
    parts = [weight * output for weight, output in zip(weights.unbind(), outputs, strict=True)]
    return sum(parts[1:], start=parts[0])
