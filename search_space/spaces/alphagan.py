"""alphaGAN's space of generators: enlarging, normal and skip edges, every one of them searched.

Source: alphaGAN (arXiv 2006.09134), commit db940bd; the six normal primitives of its published searches.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from search_space.errors import GenotypeError
from search_space.networks.config import GeneratorConfig, NetworkConfig
from search_space.parameter_table import ParameterTable, parameter_table
from search_space.space import SearchSpace
from search_space.spaces.autogan import uncut_stem
from search_space.topology import CellEdges, Edge, Network, Primitive

if TYPE_CHECKING:
    from torch import nn

    from search_space.genotype import Genotype

ENLARGING = (Primitive("deconv"), Primitive("nearest"), Primitive("bilinear"))

VOCABULARIES = {
    "up": ENLARGING,
    "normal": (
        Primitive("conv_1x1", kernel=1),
        Primitive("conv_3x3", kernel=3),
        Primitive("conv_5x5", kernel=5),
        Primitive("sep_conv_3x3", kernel=3),
        Primitive("sep_conv_5x5", kernel=5),
        Primitive("sep_conv_7x7", kernel=7),
    ),
    "skip": ENLARGING,
}

ENLARGING_INDICES = {"deconv": 0, "nearest": 1, "bilinear": 2}

PUBLISHED = {
    "up": ENLARGING_INDICES,
    "normal": {
        "conv_1x1": 0,
        "conv_3x3": 1,
        "conv_5x5": 2,
        "sep_conv_3x3": 3,
        "sep_conv_5x5": 4,
        "sep_conv_7x7": 5,
    },
    "skip": ENLARGING_INDICES,
}
"""Columns of the released architecture parameters; released genotypes hold names."""

NODES: CellEdges = (
    Edge("u0", "up", source=0, target=1),
    Edge("u1", "up", source=0, target=2),
    Edge("n0", "normal", source=1, target=3),
    Edge("n1", "normal", source=3, target=4),
    Edge("n2", "normal", source=2, target=4),
)
"""Node 1, the enlarged input, is what later cells' skips read; these enter node 4."""

CELLS: dict[Network, tuple[CellEdges, ...]] = {
    "generator": (
        NODES,
        (*NODES, Edge("s0", "skip", 1, 4, source_cell=0)),
        (*NODES, Edge("s0", "skip", 1, 4, source_cell=0), Edge("s1", "skip", 1, 4, source_cell=1)),
    )
}

Published = Sequence[tuple[str, int]]
"""The form of released genotypes: a primitive and its edge."""


def cells_of(
    normal: Mapping[str, Published],
    up: Mapping[str, Published],
    skip_2: Published,
    skip_3: Published,
) -> tuple[tuple[str, ...], ...]:
    """Choices in our edge order, of the fields of a released genotype.

    Cells are ordered by their names and primitives by their edges, whatever order they are listed in.

    Raises:
        GenotypeError: `normal` and `up` name different cells, or the edges of a cell are not 0, 1, ...
    """
    if sorted(normal) != sorted(up):
        raise GenotypeError(
            f"normal has the cells {', '.join(normal)}, up has {', '.join(up)}; give both the same"
        )
    skips = [*zip(("skip_1", "skip_2", "skip_3"), ((), skip_2, skip_3), strict=True)]
    if len(normal) != len(skips):
        raise GenotypeError(f"normal has {len(normal)} cells; a genotype of alphagan has {len(skips)}")
    return tuple(
        (*_by_edge(f"up {cell}", up[cell]), *_by_edge(f"normal {cell}", normal[cell]), *_by_edge(*skip))
        for cell, skip in zip(sorted(normal), skips, strict=True)
    )


def _by_edge(where: str, pairs: Published) -> tuple[str, ...]:
    edges = [edge for _, edge in pairs]
    if sorted(edges) != [*range(len(pairs))]:
        raise GenotypeError(f"{where}: edges {', '.join(map(str, edges))} given; number each once, from 0")
    return tuple(name for name, _ in sorted(pairs, key=lambda pair: pair[1]))


def build(
    network: Network,
    config: NetworkConfig,
    genotype: "Genotype | None" = None,
    outputs: int = 1,  # noqa: ARG001
) -> "nn.Module":
    """The derived network of a genotype or, without one, the supernet."""
    from search_space.networks.alphagan import AlphaGanGenerator

    if network != "generator" or not isinstance(config, GeneratorConfig):
        raise TypeError(f"a {network} of alphagan is not built from a {type(config).__name__}")
    return AlphaGanGenerator(config, genotype)


@cache
def table(network: Network, config: NetworkConfig) -> ParameterTable:
    """Parameters of every choice at the configured widths."""
    assert isinstance(config, GeneratorConfig)
    channels = config.channels

    def parameters(edge: Edge, primitive: Primitive) -> int:
        if edge.kind != "normal":
            return (4 * channels + 1) * channels if primitive.name == "deconv" else 0
        taps = primitive.kernel**2
        if primitive.name.startswith("sep"):
            # Twice a depthwise and a pointwise convolution without bias, and a BatchNorm.
            return 2 * (taps * channels + channels**2 + 2 * channels)
        return (taps * channels + 1) * channels

    return parameter_table(uncut_stem(config), CELLS[network], VOCABULARIES, parameters)


ALPHAGAN = SearchSpace(
    name="alphagan",
    vocabularies=VOCABULARIES,
    cells=CELLS,
    build=build,
    image_size=lambda config: config.image_size,
    parameter_table=table,
    latent_dim=128,
    latent_parts=1,
    groups={"up": "up", "normal": "normal", "skip": "skip"},
    published=PUBLISHED,
    output_node=4,
)
