"""AutoGAN's space of generators, which E2GAN searches too: genes of whole blocks, 14 integers a genotype.

Source: AutoGAN (arXiv 1908.03835), commit a5eeef0; E2GAN (arXiv 2007.09180), commit 49a20c0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from search_space.errors import GenotypeError
from search_space.networks.config import AUTOGAN_SKIPS, GeneratorConfig, NetworkConfig
from search_space.parameter_table import ParameterTable, parameter_table
from search_space.space import Names, Rows, SearchSpace
from search_space.topology import CellEdges, Edge, Network, Primitive

if TYPE_CHECKING:
    from torch import nn

    from search_space.genotype import Genotype

PUBLISHED = {
    "conv": {"post": 0, "pre": 1},
    "norm": {"none": 0, "batch": 1, "instance": 2},
    "up": {"bilinear": 0, "nearest": 1, "deconv": 2},
    "short": {"none": 0, "conv_1x1": 1},
    "skips_2": {"none": 0, "cell_1": 1},
    "skips_3": {"none": 0, "cell_2": 1, "cell_1": 2, "both": 3},
}


VOCABULARIES = {kind: tuple(map(Primitive, names)) for kind, names in PUBLISHED.items()}

BLOCKS: CellEdges = tuple(Edge(name, name) for name in ("conv", "norm", "up", "short"))

CELLS: dict[Network, tuple[CellEdges, ...]] = {
    "generator": (BLOCKS, (*BLOCKS, Edge("skips", "skips_2")), (*BLOCKS, Edge("skips", "skips_3")))
}


def rows_of(vector: Sequence[int]) -> Rows:
    """The published vector of 14 integers, a row a cell.

    Raises:
        GenotypeError: another number of integers.
    """
    lengths = [len(genes) for genes in CELLS["generator"]]
    if len(vector) != sum(lengths):
        raise GenotypeError(
            f"{len(vector)} integers given; a genotype of autogan has {sum(lengths)}: conv, norm, up and "
            "short of each cell, and skips of cells 2 and 3"
        )
    values = iter(vector)
    return [[next(values) for _ in range(length)] for length in lengths]


@dataclass(frozen=True)
class DeconvolutionTable(ParameterTable):
    """Shortcuts and skips have deconvolutions of their own where a cell's `up` is one."""

    deconvolution: int
    """Parameters of one."""

    def cell(self, index: int, names: Names) -> int:
        """Parameters of one cell with these choices."""
        return super().cell(index, names) + _further_deconvolutions(index, names) * self.deconvolution


def _further_deconvolutions(index: int, names: Names) -> int:
    _, _, up, short, *skips = names
    if up != "deconv":
        return 0
    # A map of k cells before has to be doubled k times.
    return (short != "none") + sum(index - source for name in skips for source in AUTOGAN_SKIPS[name])


def build(
    network: Network,
    config: NetworkConfig,
    genotype: "Genotype | None" = None,
    outputs: int = 1,  # noqa: ARG001
) -> "nn.Module":
    """The derived network of a genotype or, without one, the supernet of paths."""
    from search_space.networks.autogan import AutoGanGenerator

    if network != "generator" or not isinstance(config, GeneratorConfig):
        raise TypeError(f"a {network} of autogan is not built from a {type(config).__name__}")
    return AutoGanGenerator(config, genotype)


@cache
def table(network: Network, config: NetworkConfig) -> ParameterTable:
    """Parameters of every choice at the configured widths."""
    assert isinstance(config, GeneratorConfig)
    channels = config.channels
    pointwise, deconvolution = (channels + 1) * channels, (4 * channels + 1) * channels

    def parameters(edge: Edge, primitive: Primitive) -> int:
        match edge.name, primitive.name:
            case "norm", "batch":
                return 2 * 2 * channels
            case "up", "deconv":
                return deconvolution
            case "short", "conv_1x1":
                return pointwise
            case "skips", sources:
                return len(AUTOGAN_SKIPS[sources]) * pointwise
        return 0

    blocks = 2 * len(CELLS[network]) * (9 * channels + 1) * channels
    found = parameter_table(uncut_stem(config) + blocks, CELLS[network], VOCABULARIES, parameters)
    return DeconvolutionTable(found.fixed, found.cells, deconvolution)


def uncut_stem(config: GeneratorConfig) -> int:
    """Parameters before and behind the cells, where z is not cut."""
    channels = config.channels
    latents = (config.latent_dim + 1) * channels * config.bottom_width**2
    return latents + 2 * channels + (9 * channels + 1) * config.image_channels


AUTOGAN = SearchSpace(
    name="autogan",
    vocabularies=VOCABULARIES,
    cells=CELLS,
    build=build,
    image_size=lambda config: config.image_size,
    parameter_table=table,
    latent_dim=128,
    latent_parts=1,
    groups={
        "conv": "conv", "norm": "norm", "up": "up", "short": "short", "skips_2": "skips", "skips_3": "skips"
    },
    published=PUBLISHED,
    has_mixtures=False,
)  # fmt: skip
