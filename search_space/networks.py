"""Generator and discriminator, each as a supernet or as the derived network of a genotype.

Shapes: N batch, Z latent size, C image channels, S image size (8 x bottom_width for G).
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from pydantic import PositiveInt, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.architecture import EdgeWeights
from search_space.backends import BackendName
from search_space.cell import Cell
from search_space.filling import Choices
from search_space.frozen import Frozen
from search_space.genotype import Genotype
from search_space.ghost_batch_norm import GhostBatchNorm2d
from search_space.stacked import StackedConvolution
from search_space.topology import CELLS, SKIP_INS, Network


class GeneratorConfig(Frozen):
    """Width and shape of a generator; images are 8 x bottom_width wide."""

    channels: PositiveInt
    """Channels of every cell: 160 in the released search, 256 (CIFAR-10) or 270 (STL-10) when retrained."""
    latent_dim: PositiveInt = 120
    latent_parts: PositiveInt = 3
    """z is cut into this many parts: one for the input, one for each injection between cells (STL-10: 2)."""
    bottom_width: PositiveInt = 4
    image_channels: PositiveInt = 3

    @model_validator(mode="after")
    def _parts_are_equal(self) -> "GeneratorConfig":
        if self.latent_parts > len(CELLS["generator"]):
            raise ValueError("latent_parts: there are 3 cells to feed; use 1 to 3")
        if self.latent_dim % self.latent_parts:
            raise ValueError(f"latent_dim: cannot be cut into {self.latent_parts} equal latent_parts")
        return self

    @property
    def image_size(self) -> int:
        """Height and width of the images, in pixels."""
        return self.bottom_width * 2 ** len(CELLS["generator"])


class DiscriminatorConfig(Frozen):
    """Width of a discriminator; it takes images of any even size from 16 on."""

    channels: PositiveInt
    """Channels of every cell: 80 in the released search, 128 when retrained."""
    image_channels: PositiveInt = 3


class Generator(nn.Module):
    """Three upsampling cells from a latent vector to an image.

    Source: AdversarialNAS section 3.1 and released code; parameter counts equal the published ones.
    """

    def __init__(self, config: GeneratorConfig, genotype: Genotype | None = None) -> None:
        super().__init__()
        self.config = config
        choices = _choices(genotype, "generator")
        self.latents = nn.ModuleList(
            nn.Linear(
                config.latent_dim // config.latent_parts,
                config.channels * (config.bottom_width * 2**part) ** 2,
            )
            for part in range(config.latent_parts)
        )
        self.cells = nn.ModuleList(
            Cell(edges, choices[index], config.channels, skip_ins=SKIP_INS[index])
            for index, edges in enumerate(CELLS["generator"])
        )
        self.norm = GhostBatchNorm2d(config.channels)
        self.to_image = nn.Conv2d(config.channels, config.image_channels, 3, padding=1)
        nn.init.xavier_uniform_(self.to_image.weight)

    def forward(
        self, z: Float[Tensor, "n z"], edge_weights: EdgeWeights | None = None
    ) -> Float[Tensor, "n c s s"]:
        """Images in [-1, 1]. A supernet needs edge weights, a derived network takes none."""
        maps = [self._feature_map(part, latent) for part, latent in enumerate(self._parts(z))]
        x = maps[0]
        skips: list[Tensor] = []
        for index, cell in enumerate(self.cells):
            if 0 < index < len(maps):
                x = x + maps[index]
            x, skip = cell(x, edge_weights and edge_weights.of_cell(index), skips)
            skips.append(skip)
        if x.stride(1) == 1:
            # Channels are innermost already: this order is cheap to reach, and layers are fast in it.
            x = x.contiguous(memory_format=torch.channels_last)
        return self.to_image(F.relu(self.norm(x))).tanh()

    def _parts(self, z: Tensor) -> tuple[Tensor, ...]:
        return z.chunk(self.config.latent_parts, dim=1)

    def _feature_map(self, part: int, latent: Tensor) -> Float[Tensor, "n c h w"]:
        width = self.config.bottom_width * 2**part
        return self.latents[part](latent).unflatten(1, (self.config.channels, width, width))


class Discriminator(nn.Module):
    """Four downsampling cells from an image to one score; every weight is spectrally normalised."""

    def __init__(self, config: DiscriminatorConfig, genotype: Genotype | None = None) -> None:
        super().__init__()
        choices = _choices(genotype, "discriminator")
        self.cells = nn.ModuleList(
            Cell(
                edges,
                choices[index],
                config.channels,
                image_channels=config.image_channels,
                spectral=True,
            )
            for index, edges in enumerate(CELLS["discriminator"])
        )
        self.score = SpectralScore(config.channels)

    def forward(
        self, images: Float[Tensor, "n c s s"], edge_weights: EdgeWeights | None = None
    ) -> Float[Tensor, "n 1"]:
        """Scores of images in [-1, 1], high for real ones."""
        x = images
        for index, cell in enumerate(self.cells):
            x, _ = cell(x, edge_weights and edge_weights.of_cell(index))
        return self.score(x)


class SpectralScore(nn.Module):
    """ReLU, sum over space, linear layer without bias under spectral norm."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = StackedConvolution(1, channels, 1, kernel=1, bias=False, spectral=True)
        nn.init.kaiming_uniform_(self.linear.weight.data[0], a=5**0.5)  # PyTorch's default of a linear layer

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1"]:
        """Scores of feature maps."""
        kernel = self.linear.normalized()
        # Outside autocast: losses are differences of scores and need their digits.
        with torch.autocast(x.device.type, enabled=False):
            features = F.relu(x).sum((2, 3), dtype=kernel.dtype)
            return F.linear(features, kernel.flatten(1))


def use_backend(network: nn.Module, form: BackendName) -> None:
    """Choose the form of evaluation of every cell of a network."""
    for module in network.modules():
        if isinstance(module, Cell):
            module.evaluate(form)


def _choices(genotype: Genotype | None, network: Network) -> Sequence[Choices | None]:
    """What fills the edges of each cell; None, for all primitives, in a supernet."""
    if genotype is None:
        return [None] * len(CELLS[network])
    if genotype.network != network:
        raise ValueError(f"a {network} cannot be built from a {genotype.network}'s genotype")
    return [tuple((name,) for name in cell) for cell in genotype.cells]
