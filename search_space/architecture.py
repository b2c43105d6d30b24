"""Architecture parameters: alpha of the generator, beta of the discriminator, and which entries exist.

Shapes: a group is what a space calls the edges whose logits share a tensor, such as `normal` and `resample`;
columns is the size of its largest vocabulary.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from search_space.space import DEFAULT_SPACE, SearchSpace
from search_space.spaces.registry import find_space
from search_space.topology import Network


class EdgeWeights(dict[str, Tensor]):
    """Relaxed architecture parameters: by group, the weight of every primitive of every edge.

    Tensors are [cells, edges, columns]; a cell's own share, without the leading axis, is an EdgeWeights too.
    """

    def of_cell(self, index: int) -> "EdgeWeights":
        """Weights of one cell."""
        return EdgeWeights({group: weights[index] for group, weights in self.items()})


class Architecture(nn.Module):
    """Alpha (of G) or beta (of D), initialised 1e-3 * normal as released: a parameter a group of the space.

    In the space of AdversarialNAS, `normal` is [cells, 5, 7], rows in edge order; edges that read the image
    use columns 0-4 only; `resample` is [cells, 2, 3] in G and [cells, 2, 6] in D.
    """

    def __init__(
        self, network: Network, generator: torch.Generator | None = None, space: str = DEFAULT_SPACE
    ) -> None:
        super().__init__()
        self.network, self.space = network, find_space(space)
        masks = architecture_masks(network, self.space)
        for group, mask in masks.items():
            logits = 1e-3 * torch.randn(mask.shape, generator=generator)
            self.register_parameter(group, nn.Parameter(logits))
            self.register_buffer(f"{group}_mask", mask, persistent=False)
        self._incomplete = {group for group, mask in masks.items() if not mask.all()}

    @property
    def logits(self) -> EdgeWeights:
        """The parameters by group."""
        return EdgeWeights(self.named_parameters())

    def mask(self, group: str) -> Bool[Tensor, "cells edges columns"]:
        """Which columns of a group are primitives of their edge."""
        return self.get_buffer(f"{group}_mask")

    def masked(
        self, group: str, values: Float[Tensor, "cells edges columns"]
    ) -> Float[Tensor, "cells edges columns"]:
        """The values with minus infinity wherever there is no primitive."""
        if group not in self._incomplete:
            return values
        return values.masked_fill(~self.mask(group), -torch.inf)


def architecture_masks(network: Network, space: SearchSpace) -> dict[str, Tensor]:
    """Masks by group, [cells, edges, columns]: which columns of the logits are primitives of their edge."""
    cells = space.cells_of(network)
    found = {}
    for group in dict.fromkeys(space.groups.values()):
        ragged = [
            [len(space.vocabularies[edge.kind]) for edge in edges if space.groups[edge.kind] == group]
            for edges in cells
        ]
        if rows := max(map(len, ragged)):
            # A cell with fewer such edges than another has rows of one choice there, which nothing reads.
            sizes = torch.tensor([[*sizes, *[1] * (rows - len(sizes))] for sizes in ragged])
            found[group] = torch.arange(int(sizes.max())) < sizes.unsqueeze(-1)
    return found
