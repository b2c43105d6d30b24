"""Architecture parameters: alpha of the generator, beta of the discriminator, and which entries exist.

Shapes: cells is 3 for G and 4 for D, P the size of the resampling vocabulary (3 up, 6 down).
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from search_space.primitives import VOCABULARIES
from search_space.topology import CELLS, CellEdges, Edge, Network, is_resampling

NORMAL_COLUMNS = len(VOCABULARIES["normal"])


class EdgeWeights(NamedTuple):
    """What relaxed architecture parameters become: the weight of every primitive of every edge.

    A cell's own share, without the leading axis, is an EdgeWeights too.
    """

    normal: Float[Tensor, "*cells edges columns"]
    resample: Float[Tensor, "*cells resampling primitives"]

    def of_cell(self, index: int) -> "EdgeWeights":
        """Weights of one cell."""
        return EdgeWeights(self.normal[index], self.resample[index])


class Architecture(nn.Module):
    """Alpha (of G) or beta (of D), initialised 1e-3 * normal as released."""

    normal: Tensor
    """[cells, 5, 7] logits, rows in edge order; edges that read the image use columns 0-4 only."""
    resample: Tensor
    """[cells, 2, P] logits."""
    mask: Tensor
    """[cells, 5, 7], see `architecture_mask`."""

    def __init__(self, network: Network, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.network = network
        cells = CELLS[network]
        normal = sum(not is_resampling(edge) for edge in cells[0])
        resampling = [edge for edge in cells[0] if is_resampling(edge)]
        columns = len(VOCABULARIES[resampling[0].kind])
        self.normal = nn.Parameter(
            1e-3 * torch.randn(len(cells), normal, NORMAL_COLUMNS, generator=generator)
        )
        self.resample = nn.Parameter(
            1e-3 * torch.randn(len(cells), len(resampling), columns, generator=generator)
        )
        self.register_buffer("mask", architecture_mask(network), persistent=False)


def architecture_mask(network: Network) -> Bool[Tensor, "cells edges columns"]:
    """Which columns of `Architecture.normal` are primitives of their edge."""
    sizes = torch.tensor(
        [[len(VOCABULARIES[edge.kind]) for edge in _normal_edges(cell)] for cell in CELLS[network]]
    )
    return torch.arange(NORMAL_COLUMNS) < sizes.unsqueeze(-1)


def _normal_edges(cell: CellEdges) -> tuple[Edge, ...]:
    return tuple(edge for edge in cell if not is_resampling(edge))
