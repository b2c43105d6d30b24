"""Generators of alphaGAN's space, as a supernet or as the derived network of a genotype.

Shapes: N batch, C channels, H height, W width.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.architecture import EdgeWeights
from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import GhostBatchNorm2d
from search_space.networks.uncut import (
    Normalise,
    UncutCell,
    UncutGenerator,
    as_ever,
    deconvolution,
    enlarged,
)
from search_space.space import SearchSpace

SEPARABLE = "sep_conv"
CONVOLUTION = "conv"

Choice = Tensor | str | None
"""An edge's choice: the weights of a mixture, one primitive of a supernet, or None for the only one."""


class AlphaGanGenerator(UncutGenerator):
    """Three cells whose edges up-sample, convolve, and carry up-sampled inputs of earlier cells to outputs.

    Source: alphaGAN, commit db940bd.
    """

    def __init__(self, config: GeneratorConfig, genotype: Genotype | None = None) -> None:
        super().__init__(config, genotype, "alphagan")

    def cell(self, index: int, names: Sequence[str] | None) -> UncutCell:
        """The cell in one place: of these choices or, for None, of the supernet."""
        return AlphaGanCell(self.space, index, names, self.config.channels)


class AlphaGanCell(UncutCell):
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

        def choice(slot: tuple[str, int]) -> Choice:
            return None if edge_weights is None else edge_weights[slot[0]][slot[1]]

        return self._carried(x, skips, choice, as_ever)

    def of_path(
        self, x: Float[Tensor, "n c h w"], skips: Sequence[Tensor], names: Sequence[str], norm: Normalise
    ) -> tuple[Float[Tensor, "n c h2 w2"], Float[Tensor, "n c h2 w2"]]:
        """The output of `forward` for these choices."""
        return self._carried(x, skips, dict(zip(self._slots, names, strict=True)).__getitem__, norm)

    def chosen(self, names: Sequence[str]) -> Iterator[nn.Module]:
        """The modules that these choices compute with."""
        edges = {"up": self.ups, "normal": self.normals, "skip": self.skips}
        for (group, row), name in zip(self._slots, names, strict=True):
            yield from cast(EnlargingEdge | NormalEdge, edges[group][row]).chosen(name)

    def _carried(
        self,
        x: Tensor,
        skips: Sequence[Tensor],
        choice: Callable[[tuple[str, int]], Choice],
        norm: Normalise,
    ) -> tuple[Tensor, Tensor]:
        first, second = (up(x, choice(("up", row))) for row, up in enumerate(self.ups))
        normal = [
            partial(edge, choice=choice(("normal", row)), norm=norm) for row, edge in enumerate(self.normals)
        ]
        out = normal[1](normal[0](first)) + normal[2](second)
        for row, (skip, carried) in enumerate(zip(self.skips, skips, strict=True)):
            out = out + skip(carried, choice(("skip", row)), len(skips) - row)
        return out, first


class EnlargingEdge(nn.Module):
    """Doubles height and width, without activation; a mixture has a weight for each choice."""

    def __init__(self, choices: Sequence[str], channels: int) -> None:
        super().__init__()
        self._choices = choices
        self.deconv = deconvolution(channels) if "deconv" in choices else None

    def forward(
        self, x: Float[Tensor, "n c h w"], choice: Choice = None, doublings: int = 1
    ) -> Float[Tensor, "n c h2 w2"]:
        """Enlarged by one choice, or by the weighted sum of all."""
        if isinstance(choice, Tensor):
            return _mixed(choice, [self._enlarged(x, name, doublings) for name in self._choices])
        return self._enlarged(x, choice or self._choices[0], doublings)

    def chosen(self, name: str) -> Iterator[nn.Module]:
        """The module that this choice computes with, if it has one."""
        if self.deconv is not None and name == "deconv":
            yield self.deconv

    def _enlarged(self, x: Tensor, name: str, doublings: int) -> Tensor:
        """The enlarged map. Over two cells, a choice is applied twice with the same weights."""
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
        self, x: Float[Tensor, "n c h w"], choice: Choice = None, norm: Normalise = as_ever
    ) -> Float[Tensor, "n c h w"]:
        """One choice, or the weighted sum of all."""
        if not isinstance(choice, Tensor):
            return self._alone(x, choice or self._choices[0], norm)
        weight = dict(zip(self._choices, choice.unbind(), strict=True))
        apart = [name for name in self._choices if name not in self.plain]
        outputs = [weight[name] * self._alone(x, name, norm) for name in apart]
        return sum(outputs, start=self._mixed_plain(x, weight))

    def chosen(self, name: str) -> Iterator[nn.Module]:
        """The module that this choice computes with, if it has one."""
        yield from (held[name] for held in (self.plain, self.separable) if name in held)

    def _alone(self, x: Tensor, name: str, norm: Normalise) -> Tensor:
        if name in self.separable:
            return cast(Tensor, self.separable[name](x, norm))
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

    def forward(self, x: Float[Tensor, "n c h w"], norm: Normalise = as_ever) -> Float[Tensor, "n c h w"]:
        """Keeps height and width."""
        for half in self.halves:
            for layer in cast(nn.Sequential, half):
                x = norm(layer, x) if isinstance(layer, GhostBatchNorm2d) else layer(x)
        return x


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
