"""EAGAN's space of discriminators: a fixed first block, three searched cells that may down-sample.

Source: EAGAN (arXiv 2111.15097), commit 975ff13; CAGAN and EWSGAN ship the same. Primitives and their order
are those of AdversarialNAS; the sources of e3 and e4 are swapped against its discriminator.
"""

from functools import cache
from typing import TYPE_CHECKING

from search_space.networks.config import DiscriminatorConfig, NetworkConfig
from search_space.parameter_table import ParameterTable, parameter_table, primitive_parameters
from search_space.space import Names, SearchSpace
from search_space.spaces import adversarialnas
from search_space.topology import NONE, CellEdges, Edge, Network, Primitive

if TYPE_CHECKING:
    from torch import nn

    from search_space.genotype import Genotype

KEEP = Primitive("keep_size", "skip")
"""Chosen by both edges into the output: the cell does not down-sample."""

NORMAL = adversarialnas.VOCABULARIES["normal"]

VOCABULARIES = {
    "entry": tuple(primitive for primitive in NORMAL if primitive.name != NONE),
    "normal": NORMAL,
    "bare": NORMAL,
    "down": (*adversarialnas.VOCABULARIES["down"], KEEP),
}

NORMAL_INDICES = adversarialnas.PUBLISHED["normal"]

PUBLISHED = {
    "entry": {name: index for name, index in NORMAL_INDICES.items() if name != NONE},
    "normal": NORMAL_INDICES,
    "bare": NORMAL_INDICES,
    "down": {**adversarialnas.PUBLISHED["down"], KEEP.name: -1},
}

CELL: CellEdges = (
    Edge("e0", "entry", source=0, target=1),
    Edge("e1", "normal", source=0, target=2),
    Edge("e2", "normal", source=1, target=2),
    Edge("e3", "normal", source=1, target=3),
    # Without ReLU in front of its convolutions: hence a kind of its own.
    Edge("e4", "bare", source=0, target=3),
    Edge("e5", "down", source=2, target=4),
    Edge("e6", "down", source=3, target=4),
)

CELLS: dict[Network, tuple[CellEdges, ...]] = {"discriminator": (CELL,) * 3}


def fault(edges: CellEdges, names: Names) -> str | None:
    """A cell cannot keep the size on one way only: its two halves could not be added."""
    keeping = [
        edge.name
        for edge, name in zip(edges, names, strict=True)
        if edge.kind == "down" and name == KEEP.name
    ]
    if len(keeping) == 1:
        return f"only {keeping[0]} keeps the size; use keep_size (-1) for both e5 and e6, or for neither"
    return None


def build(
    network: Network, config: NetworkConfig, genotype: "Genotype | None" = None, outputs: int = 1
) -> "nn.Module":
    """The derived network of a genotype or, without one, the supernet of paths."""
    from search_space.networks.eagan import EaganDiscriminator

    if network != "discriminator" or not isinstance(config, DiscriminatorConfig):
        raise TypeError(f"a {network} of eagan is not built from a {type(config).__name__}")
    return EaganDiscriminator(config, genotype, outputs)


@cache
def table(network: Network, config: NetworkConfig) -> ParameterTable:
    """Parameters of every choice at the configured widths."""
    channels, images = config.channels, config.image_channels
    first = (9 * images + 1) * channels + (9 * channels + 1) * channels + (images + 1) * channels

    def parameters(edge: Edge, primitive: Primitive) -> int:  # noqa: ARG001
        return primitive_parameters(primitive, channels, channels)

    return parameter_table(first + channels, CELLS[network], VOCABULARIES, parameters)


EAGAN = SearchSpace(
    name="eagan",
    vocabularies=VOCABULARIES,
    cells=CELLS,
    build=build,
    image_size=lambda config: config.image_size,
    parameter_table=table,
    groups={"entry": "normal", "normal": "normal", "bare": "normal", "down": "resample"},
    published=PUBLISHED,
    output_node=4,
    other_fault=fault,
    has_mixtures=False,
)
