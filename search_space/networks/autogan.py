"""Generators of AutoGAN's space, as a supernet of paths or as the derived network of a genotype.

Genes act on whole blocks: where the activation stands, which norm, how a map is enlarged.

Shapes: N batch, C channels, H height, W width.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import cast

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.architecture import EdgeWeights
from search_space.genotype import Genotype
from search_space.networks.config import AUTOGAN_SKIPS, GeneratorConfig
from search_space.networks.generator import GhostBatchNorm2d
from search_space.networks.uncut import (
    Normalise,
    UncutCell,
    UncutGenerator,
    as_ever,
    deconvolution,
    enlarged,
    path,
)
from search_space.space import SearchSpace


class AutoGanGenerator(UncutGenerator):
    """Three cells of two blocks each. The supernet takes one-hot edge weights: a path.

    Source: AutoGAN (Gong et al. 2019), commit a5eeef0, whose blocks E2GAN uses unchanged. Sums are out of
    place: the released ones stop the backward pass of every genotype that adds to the output of a ReLU.
    """

    def __init__(self, config: GeneratorConfig, genotype: Genotype | None = None) -> None:
        super().__init__(config, genotype, "autogan")

    def cell(self, index: int, names: Sequence[str] | None) -> UncutCell:
        """The cell in one place: of these choices or, for None, of the supernet."""
        return AutoGanCell(self.space, index, names, self.config.channels)


class AutoGanCell(UncutCell):
    """Block, skips from earlier cells, block, shortcut; doubles height and width.

    Without names it holds all variants side by side.
    """

    def __init__(self, space: SearchSpace, index: int, names: Sequence[str] | None, channels: int) -> None:
        super().__init__()
        self._space, self._edges, self._names = space, space.cells["generator"][index], names
        choices = [space.names(edge.kind) for edge in self._edges] if names is None else [(n,) for n in names]
        genes = dict(zip((edge.name for edge in self._edges), choices, strict=True))
        self.blocks = nn.ModuleList(Block(channels, genes, enlarges=enlarges) for enlarges in (True, False))
        sources = sorted({source for name in genes.get("skips", ()) for source in AUTOGAN_SKIPS[name]})
        self.skips = nn.ModuleDict(
            {str(source): Enlarged(channels, genes["up"], index - source) for source in sources}
        )
        self.shortcut = Enlarged(channels, genes["up"]) if "conv_1x1" in genes["short"] else None

    def forward(
        self,
        x: Float[Tensor, "n c h w"],
        edge_weights: EdgeWeights | None = None,
        skips: Sequence[Tensor] = (),
    ) -> tuple[Float[Tensor, "n c h2 w2"], Float[Tensor, "n c h2 w2"]]:
        """The cell's output and, for later cells, the map between its blocks."""
        names = self._names
        if names is None:
            if edge_weights is None:
                raise ValueError("a supernet computes one path: give it one-hot edge weights")
            names = path(self._space, self._edges, edge_weights)
        return self.of_path(x, skips, names, as_ever)

    def of_path(
        self, x: Float[Tensor, "n c h w"], skips: Sequence[Tensor], names: Sequence[str], norm: Normalise
    ) -> tuple[Float[Tensor, "n c h2 w2"], Float[Tensor, "n c h2 w2"]]:
        """The output of `forward` for these choices."""
        gene = self._genes(names)
        h = self.blocks[0](x, gene, norm)
        for source in AUTOGAN_SKIPS[gene.get("skips", "none")]:
            h = h + self.skips[str(source)](skips[source], gene["up"])
        y = self.blocks[1](h, gene, norm)
        if self.shortcut is not None and gene["short"] == "conv_1x1":
            y = y + self.shortcut(x, gene["up"])
        return y, h

    def chosen(self, names: Sequence[str]) -> Iterator[nn.Module]:
        """The modules that these choices compute with."""
        gene = self._genes(names)
        for block in self.blocks:
            yield from cast(Block, block).chosen(gene)
        enlargements = [self.skips[str(source)] for source in AUTOGAN_SKIPS[gene.get("skips", "none")]]
        if self.shortcut is not None and gene["short"] == "conv_1x1":
            enlargements.append(self.shortcut)
        for each in enlargements:
            yield from cast(Enlarged, each).chosen(gene["up"])

    def _genes(self, names: Sequence[str]) -> dict[str, str]:
        return dict(zip((edge.name for edge in self._edges), names, strict=True))


class Block(nn.Module):
    """Activation, norm, enlargement and 3x3 convolution, in the order of pre- or of post-activation.

    Each order has weights of its own.
    """

    def __init__(self, channels: int, genes: Mapping[str, Collection[str]], *, enlarges: bool) -> None:
        super().__init__()
        self._enlarges = enlarges
        deconv = enlarges and "deconv" in genes["up"]
        self.convs, self.norms, self.deconvs = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for order in genes["conv"]:
            self.convs[order] = nn.Conv2d(channels, channels, 3, padding=1)
            if "batch" in genes["norm"]:
                self.norms[order] = GhostBatchNorm2d(channels)
            if deconv:
                self.deconvs[order] = deconvolution(channels)

    def forward(
        self, x: Float[Tensor, "n c h w"], gene: Mapping[str, str], norm: Normalise = as_ever
    ) -> Float[Tensor, "n c h2 w2"]:
        """Doubles height and width if it enlarges."""
        order = gene["conv"]
        if order == "pre":
            x = F.relu(self._normalised(x, gene, norm))
        if self._enlarges:
            x = self.deconvs[order](x) if gene["up"] == "deconv" else enlarged(x, gene["up"])
        x = self.convs[order](x)
        return F.relu(self._normalised(x, gene, norm)) if order == "post" else x

    def chosen(self, gene: Mapping[str, str]) -> Iterator[nn.Module]:
        """The modules that these choices compute with."""
        order = gene["conv"]
        yield self.convs[order]
        if gene["norm"] == "batch":
            yield self.norms[order]
        if self._enlarges and gene["up"] == "deconv":
            yield self.deconvs[order]

    def _normalised(self, x: Tensor, gene: Mapping[str, str], norm: Normalise) -> Tensor:
        if gene["norm"] == "batch":
            return norm(cast(GhostBatchNorm2d, self.norms[gene["conv"]]), x)
        return F.instance_norm(x) if gene["norm"] == "instance" else x


class Enlarged(nn.Module):
    """An earlier map at the size of a later one, through a 1x1 convolution."""

    def __init__(self, channels: int, ups: Collection[str], doublings: int = 1) -> None:
        super().__init__()
        self.factor = 2**doublings
        self.deconvs = nn.Sequential(
            *(deconvolution(channels) for _ in range(doublings if "deconv" in ups else 0))
        )
        self.convolution = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Float[Tensor, "n c h w"], up: str) -> Float[Tensor, "n c h2 w2"]:
        """Enlarged and convolved; a 1x1 convolution commutes with interpolation, and is cheaper before it."""
        if up == "deconv":
            return cast(Tensor, self.convolution(self.deconvs(x)))
        return enlarged(self.convolution(x), up, self.factor)

    def chosen(self, up: str) -> Iterator[nn.Module]:
        """The modules that this choice computes with."""
        yield self.convolution
        if up == "deconv":
            yield self.deconvs
