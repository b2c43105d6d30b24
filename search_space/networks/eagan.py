"""Discriminators of EAGAN's space, as a supernet of paths or as the derived network of a genotype.

Shapes: N batch, C channels, H height, W width, S image size.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.architecture import EdgeWeights
from search_space.genotype import Genotype, space_for
from search_space.networks.config import DiscriminatorConfig
from search_space.networks.discriminator import SpectralScore
from search_space.networks.fixed_discriminator import FirstBlock, SpectralConvolution
from search_space.networks.uncut import path
from search_space.space import SearchSpace
from search_space.topology import Edge, Primitive


class EaganDiscriminator(nn.Module):
    """A fixed block on the image, then three searched cells; the supernet takes one-hot edge weights.

    Source: EAGAN (Ying et al. 2022), commit 975ff13.
    """

    def __init__(
        self, config: DiscriminatorConfig, genotype: Genotype | None = None, outputs: int = 1
    ) -> None:
        super().__init__()
        self.space = space_for("discriminator", genotype, "eagan")
        self.first = FirstBlock(config.image_channels, config.channels)
        self.cells = nn.ModuleList(
            EaganCell(self.space, index, None if genotype is None else genotype.cells[index], config.channels)
            for index in range(len(self.space.cells_of("discriminator")))
        )
        self.score = SpectralScore(config.channels, outputs)

    def forward(
        self, images: Float[Tensor, "n c s s"], edge_weights: EdgeWeights | None = None
    ) -> Float[Tensor, "n outputs"]:
        """Scores of images in [-1, 1], high for real ones."""
        x = self.first(images)
        for index, cell in enumerate(self.cells):
            x = cell(x, edge_weights and edge_weights.of_cell(index))
        return self.score(x)


class EaganCell(nn.Module):
    """Five nodes that sum their incoming edges; halves height and width unless it keeps the size."""

    def __init__(self, space: SearchSpace, index: int, names: Sequence[str] | None, channels: int) -> None:
        super().__init__()
        self._space, self._edges, self._names = space, space.cells["discriminator"][index], names
        self.edges = nn.ModuleDict()
        for place, edge in enumerate(self._edges):
            operations = nn.ModuleDict()
            for primitive in space.vocabularies[edge.kind]:
                if primitive.operation == "conv" and (names is None or names[place] == primitive.name):
                    operations[primitive.name] = SpectralConvolution(
                        channels, channels, primitive.kernel, primitive.dilation
                    )
            self.edges[edge.name] = operations

    def forward(
        self, x: Float[Tensor, "n c h w"], edge_weights: EdgeWeights | None = None
    ) -> Float[Tensor, "n c h2 w2"]:
        """The output node."""
        chosen = self._chosen(edge_weights)
        nodes = {0: x}
        nodes[1] = self._sum(chosen, nodes, 1)
        return self._leave(chosen, nodes, 2) + self._leave(chosen, nodes, 3)

    def _chosen(self, edge_weights: EdgeWeights | None) -> dict[Edge, Primitive]:
        names = self._names
        if names is None:
            if edge_weights is None:
                raise ValueError("a supernet computes one path: give it one-hot edge weights")
            names = path(self._space, self._edges, edge_weights)
        known = self._space.vocabularies
        return {
            edge: next(each for each in known[edge.kind] if each.name == name)
            for edge, name in zip(self._edges, names, strict=True)
        }

    def _sum(
        self,
        chosen: Mapping[Edge, Primitive],
        nodes: Mapping[int, Tensor],
        node: int,
        *,
        pooled: bool = False,
    ) -> Tensor:
        """A node, or the node as average pooling leaves it: pooling is linear, so edges may do it apart."""
        into = [
            (edge, primitive)
            for edge, primitive in chosen.items()
            if edge.target == node and primitive.operation != "none"
        ]
        send = self._send_pooled if pooled else self._send
        first, *others = (send(edge, primitive, nodes[edge.source]) for edge, primitive in into)
        return sum(others, start=first)

    def _leave(self, chosen: Mapping[Edge, Primitive], nodes: Mapping[int, Tensor], node: int) -> Tensor:
        """A node's share of the output."""
        ((edge, primitive),) = [item for item in chosen.items() if item[0].source == node]
        if primitive.operation == "avg_pool":
            return self._sum(chosen, nodes, node, pooled=True)
        return self._send(edge, primitive, self._sum(chosen, nodes, node))

    def _send(self, edge: Edge, primitive: Primitive, x: Tensor) -> Tensor:
        match primitive.operation:
            case "conv":
                return self._convolution(edge, primitive)(
                    _activated(edge, x), 2 if edge.kind == "down" else 1
                )
            case "max_pool":
                return F.max_pool2d(x, 2)
            case "skip":
                return x
        raise AssertionError(primitive.operation)

    def _send_pooled(self, edge: Edge, primitive: Primitive, x: Tensor) -> Tensor:
        if primitive.operation != "conv":
            return F.avg_pool2d(x, 2)
        convolution, x = self._convolution(edge, primitive), _activated(edge, x)
        if primitive.dilation > 1:
            return F.avg_pool2d(convolution(x), 2)
        return convolution.pooled(x) if primitive.kernel > 1 else convolution(F.avg_pool2d(x, 2))

    def _convolution(self, edge: Edge, primitive: Primitive) -> SpectralConvolution:
        return cast(SpectralConvolution, cast(nn.ModuleDict, self.edges[edge.name])[primitive.name])


def _activated(edge: Edge, x: Tensor) -> Tensor:
    return x if edge.kind == "bare" else F.relu(x)
