"""The space of AdversarialNAS: three cells of a generator, four of a discriminator, an operation an edge.

Source: AdversarialNAS (arXiv 1912.02037), section 3.1, figure 2 and the released code. Edge order is that of
published genotype rows.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from search_space.networks.config import DiscriminatorConfig, GeneratorConfig, NetworkConfig
from search_space.parameter_table import ParameterTable, parameter_table, primitive_parameters
from search_space.space import SearchSpace
from search_space.topology import CellEdges, Edge, Kind, Network, Primitive, SkipIn

if TYPE_CHECKING:
    from torch import nn

    from search_space.genotype import Genotype

CONVOLUTIONS = (
    Primitive("conv_1x1", "conv", kernel=1),
    Primitive("conv_3x3", "conv", kernel=3),
    Primitive("conv_5x5", "conv", kernel=5),
    Primitive("dil_conv_3x3", "conv", kernel=3, dilation=2),
    Primitive("dil_conv_5x5", "conv", kernel=5, dilation=2),
)

Vocabularies = Mapping[Kind, tuple[Primitive, ...]]

VOCABULARIES: Vocabularies = {
    "normal": (Primitive("none", "none"), Primitive("skip_connect", "skip"), *CONVOLUTIONS),
    "image": CONVOLUTIONS,
    "up": (
        Primitive("nearest", "nearest"),
        Primitive("bilinear", "bilinear"),
        Primitive("ConvTranspose", "transposed", kernel=3),
    ),
    "down": (
        Primitive("avg_pool", "avg_pool", kernel=2),
        Primitive("max_pool", "max_pool", kernel=2),
        *CONVOLUTIONS[1:],
    ),
}

# Not derived from the vocabularies: a primitive put into their middle must not rename what is published.
PUBLISHED = {
    "normal": {
        "none": 0,
        "skip_connect": 1,
        "conv_1x1": 2,
        "conv_3x3": 3,
        "conv_5x5": 4,
        "dil_conv_3x3": 5,
        "dil_conv_5x5": 6,
    },
    "image": {"conv_1x1": 0, "conv_3x3": 1, "conv_5x5": 2, "dil_conv_3x3": 3, "dil_conv_5x5": 4},
    "up": {"nearest": 0, "bilinear": 1, "ConvTranspose": 2},
    "down": {
        "avg_pool": 0,
        "max_pool": 1,
        "conv_3x3": 2,
        "conv_5x5": 3,
        "dil_conv_3x3": 4,
        "dil_conv_5x5": 5,
    },
}

GENERATOR_CELL: CellEdges = (
    Edge("e0", "up", source=0, target=1),
    Edge("e1", "up", source=0, target=2),
    Edge("e2", "normal", source=1, target=3),
    Edge("e3", "normal", source=2, target=3),
    Edge("e4", "normal", source=1, target=4),
    Edge("e5", "normal", source=2, target=4),
    Edge("e6", "normal", source=3, target=4),
)

DISCRIMINATOR_CELL: CellEdges = (
    Edge("e0", "normal", source=0, target=1),
    Edge("e1", "normal", source=0, target=2),
    Edge("e2", "normal", source=0, target=3),
    Edge("e3", "normal", source=1, target=2),
    Edge("e4", "normal", source=1, target=3),
    Edge("e5", "down", source=2, target=4),
    Edge("e6", "down", source=3, target=4),
)

IMAGE_CELL: CellEdges = (
    Edge("e0", "image", source=0, target=1),
    Edge("e1", "image", source=0, target=2),
    Edge("e2", "image", source=0, target=3),
    *DISCRIMINATOR_CELL[3:],
)
"""D's first cell: its input is the image, so the edges that read it always convolve, without ReLU."""

CELLS: dict[Network, tuple[CellEdges, ...]] = {
    "generator": (GENERATOR_CELL,) * 3,
    "discriminator": (IMAGE_CELL, *(DISCRIMINATOR_CELL,) * 3),
}

SKIP_INS = ((), (SkipIn(0, "bilinear"),), (SkipIn(0, "nearest"), SkipIn(1, "nearest")))


def space_of_cells(name: str, vocabularies: Vocabularies) -> SearchSpace:
    """A space of these cells under any name, with any vocabularies of the same kinds.

    A primitive without a published index has no published form; everything else works without one.
    """

    def build(
        network: Network, config: NetworkConfig, genotype: "Genotype | None" = None, outputs: int = 1
    ) -> "nn.Module":
        from search_space.networks.discriminator import Discriminator
        from search_space.networks.generator import Generator

        match config:
            case GeneratorConfig() if network == "generator":
                return Generator(config, genotype, space=name)
            case DiscriminatorConfig() if network == "discriminator":
                return Discriminator(config, genotype, space=name, outputs=outputs)
        raise TypeError(f"a {network} is not built from a {type(config).__name__}")

    @cache
    def table(network: Network, config: NetworkConfig) -> ParameterTable:
        channels = config.channels

        def parameters(edge: Edge, primitive: Primitive) -> int:
            in_channels = config.image_channels if edge.kind == "image" else channels
            return primitive_parameters(primitive, in_channels, channels)

        # D has nothing but its searched edges and a linear layer without bias.
        fixed = _fixed_in_generator(config) if isinstance(config, GeneratorConfig) else channels
        return parameter_table(fixed, CELLS[network], vocabularies, parameters)

    names = {kind: {each.name for each in vocabulary} for kind, vocabulary in vocabularies.items()}
    return SearchSpace(
        name=name,
        vocabularies=vocabularies,
        cells=CELLS,
        build=build,
        image_size=lambda config: config.image_size,
        parameter_table=table,
        groups={"normal": "normal", "image": "normal", "up": "resample", "down": "resample"},
        published={
            kind: {each: index for each, index in indices.items() if each in names[kind]}
            for kind, indices in PUBLISHED.items()
        },
        skip_ins=SKIP_INS,
        output_node=4,
        skip_node=3,
    )


def _fixed_in_generator(config: GeneratorConfig) -> int:
    channels = config.channels
    inputs = config.latent_dim // config.latent_parts
    latents = sum(
        (inputs + 1) * channels * (config.bottom_width * 2**part) ** 2 for part in range(config.latent_parts)
    )
    skips = sum(map(len, SKIP_INS)) * (channels + 1) * channels
    norm = 2 * channels
    to_image = (9 * channels + 1) * config.image_channels
    return latents + skips + norm + to_image


ADVERSARIALNAS = space_of_cells("adversarialnas", VOCABULARIES)
