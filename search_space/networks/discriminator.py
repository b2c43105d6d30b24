"""The discriminator, as a supernet or as the derived network of a genotype.

Shapes: N batch, C channels, S image size.
"""

from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.architecture import EdgeWeights, architecture_masks
from search_space.errors import UserError
from search_space.genotype import Genotype, space_for
from search_space.networks.cell import Cell, choices_of
from search_space.networks.config import DiscriminatorConfig
from search_space.networks.paths import CarryingCell, CellRows, in_shares, weighted
from search_space.space import DEFAULT_SPACE, SearchSpace
from search_space.stacked import StackedConvolution


class Discriminator(nn.Module):
    """Four downsampling cells from an image to one score; every weight is spectrally normalised."""

    def __init__(
        self,
        config: DiscriminatorConfig,
        genotype: Genotype | None = None,
        space: str = DEFAULT_SPACE,
        outputs: int = 1,
    ) -> None:
        super().__init__()
        self.space = space_for("discriminator", genotype, space)
        self.cells = nn.ModuleList(
            Cell(
                self.space,
                edges,
                choices_of(genotype, index),
                config.channels,
                image_channels=config.image_channels,
                spectral=True,
            )
            for index, edges in enumerate(self.space.cells_of("discriminator"))
        )
        self.score = SpectralScore(config.channels, outputs)

    def forward(
        self, images: Float[Tensor, "n c s s"], edge_weights: EdgeWeights | None = None
    ) -> Float[Tensor, "n outputs"]:
        """Scores of images in [-1, 1], high for real ones."""
        return self.score(_carried(images, [weighted(c, edge_weights, i) for i, c in enumerate(self.cells)]))

    def of_paths(
        self, images: Float[Tensor, "n c s s"], paths: Sequence[Genotype]
    ) -> Float[Tensor, "n outputs"]:
        """Scores of a supernet: equal, consecutive shares of the images go each through its own genotype."""
        rows = [CellRows(cell) for cell in self.cells]
        outputs = [
            _carried(share, [row.path(names) for row, names in zip(rows, path.cells, strict=True)])
            for share, path in zip(in_shares(images, paths), paths, strict=True)
        ]
        return self.score(torch.cat(outputs))


def _carried(x: Tensor, cells: Sequence[CarryingCell]) -> Tensor:
    for cell in cells:
        x, _ = cell(x, ())
    return x


HALVINGS = 4
"""Published discriminators halve their maps at most so often."""


@torch.no_grad()
def require_images(
    discriminator: nn.Module, config: DiscriminatorConfig, size: int, *, supernet: bool = False
) -> None:
    """Nothing, if a discriminator, derived or a supernet, takes images of this size.

    It is shown one: poolings halve a map of odd size to the smaller half, convolutions to the larger one.

    Raises:
        UserError: it does not.
    """
    whole = 2**HALVINGS
    if size % whole == 0:
        return
    device, mode = next(discriminator.parameters()).device, discriminator.training
    image = torch.zeros(1, config.image_channels, size, size, device=device)
    inputs: list[Tensor | EdgeWeights] = [image]
    if supernet:
        masks = architecture_masks("discriminator", cast(SearchSpace, discriminator.space))
        inputs.append(EdgeWeights({group: mask.to(image) for group, mask in masks.items()}))
    try:
        discriminator.eval()(*inputs)
    except RuntimeError as error:
        if "must match" not in str(error):
            raise
        raise UserError(
            f"data.image_size = {size}: the discriminator comes to maps of odd size, which its poolings and "
            f"convolutions halve differently; use {max(1, size // whole) * whole} or a fixed discriminator "
            "(search.strategy.opponent, retrain.discriminator.architecture)"
        ) from error
    finally:
        discriminator.train(mode)


class SpectralScore(nn.Module):
    """ReLU, sum over space, linear layer without bias under spectral norm."""

    def __init__(self, channels: int, outputs: int = 1) -> None:
        super().__init__()
        self.linear = StackedConvolution(1, channels, outputs, kernel=1, bias=False, spectral=True)
        nn.init.kaiming_uniform_(self.linear.weight.data[0], a=5**0.5)  # PyTorch's default of a linear layer

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n outputs"]:
        """Scores of feature maps."""
        kernel = self.linear.normalized()
        # Outside autocast: losses are differences of scores and need their digits.
        with torch.autocast(x.device.type, enabled=False):
            features = F.relu(x).sum((2, 3), dtype=kernel.dtype)
            return F.linear(features, kernel[0].flatten(1))
