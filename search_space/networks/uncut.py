"""The shared parts of AutoGAN's and alphaGAN's generators: z is not cut, maps are enlarged by choice.

Shapes: N batch, Z latent size, C channels, H height, W width, S image size.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import cast

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.architecture import EdgeWeights
from search_space.genotype import Genotype, space_for
from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import GhostBatchNorm2d, ImageGenerator
from search_space.networks.paths import CarryingCell, weighted
from search_space.space import SearchSpace
from search_space.topology import CellEdges

Normalise = Callable[[GhostBatchNorm2d, Tensor], Tensor]
"""The statistics by which a BatchNorm normalises a map."""


def as_ever(norm: GhostBatchNorm2d, x: Tensor) -> Tensor:
    """Normalise by the batch's statistics in training, else by the running ones."""
    return cast(Tensor, norm(x))


class UncutCell(nn.Module):
    """A cell whose every choice has parameters of its own."""

    @abstractmethod
    def of_path(
        self, x: Float[Tensor, "n c h w"], skips: Sequence[Tensor], names: Sequence[str], norm: Normalise
    ) -> tuple[Float[Tensor, "n c h2 w2"], Float[Tensor, "n c h2 w2"]]:
        """The output of `forward` for these choices of a supernet's cell."""

    @abstractmethod
    def chosen(self, names: Sequence[str]) -> Iterator[nn.Module]:
        """The modules that these choices of a supernet's cell compute with."""


def idle_parameters(supernet: nn.Module, paths: Sequence[Genotype]) -> set[nn.Parameter]:
    """Parameters of cells like these that no path uses; where primitives are stacked, there are none."""
    idle: set[nn.Parameter] = set()
    cells = [module for module in supernet.modules() if isinstance(module, UncutCell)]
    for index, cell in enumerate(cells):
        used = {p for path in paths for each in cell.chosen(path.cells[index]) for p in each.parameters()}
        idle |= {*cell.parameters()} - used
    return idle


class UncutGenerator(ImageGenerator):
    """Up-sampling cells between a linear layer of all of z and a convolution to the image.

    `latent_parts` is 1, whatever the configuration says.
    """

    def __init__(self, config: GeneratorConfig, genotype: Genotype | None, space: str) -> None:
        super().__init__()
        self.config = config.model_copy(update={"latent_parts": 1})
        self.space = space_for("generator", genotype, space)
        channels = config.channels
        self.latent = nn.Linear(config.latent_dim, channels * config.bottom_width**2)
        self.cells = nn.ModuleList(
            self.cell(index, None if genotype is None else genotype.cells[index])
            for index in range(len(self.space.cells_of("generator")))
        )
        self.norm = GhostBatchNorm2d(channels)
        self.to_image = nn.Conv2d(channels, config.image_channels, 3, padding=1)
        self.apply(_initialise)

    @abstractmethod
    def cell(self, index: int, names: Sequence[str] | None) -> UncutCell:
        """The cell in one place: of these choices or, for None, of the supernet."""

    def forward(
        self, z: Float[Tensor, "n z"], edge_weights: EdgeWeights | None = None
    ) -> Float[Tensor, "n c s s"]:
        """Images in [-1, 1]. A supernet needs edge weights, a derived network takes none."""
        cells = [weighted(cell, edge_weights, index) for index, cell in enumerate(self.cells)]
        return self._images(z, cells, as_ever)

    def path_images(self) -> Callable[[Tensor, Genotype], Tensor]:
        """A path computes with the supernet's own modules: nothing is prepared."""

        def images(share: Tensor, path: Genotype) -> Tensor:
            norm, chosen = GhostBatchNorm2d.of_batch, zip(self.cells, path.cells, strict=True)
            cells = [partial(cast(UncutCell, cell).of_path, names=names, norm=norm) for cell, names in chosen]
            return self._images(share, cells, norm)

        return images

    def _images(self, z: Tensor, cells: Sequence[CarryingCell], norm: Normalise) -> Float[Tensor, "n c s s"]:
        width = self.config.bottom_width
        x = self.latent(z).unflatten(1, (self.config.channels, width, width))
        skips: list[Tensor | None] = []
        for cell in cells:
            x, skip = cell(x, skips)
            skips.append(skip)
        return self.to_image(F.relu(norm(self.norm, x))).tanh()


def _initialise(module: nn.Module) -> None:
    """Initialise as released: transposed convolutions and linear layers keep PyTorch's default."""
    if isinstance(module, nn.Conv2d):
        nn.init.xavier_uniform_(module.weight)
    elif isinstance(module, nn.BatchNorm2d) and module.affine:
        nn.init.normal_(module.weight, 1.0, 0.02)


def enlarged(x: Float[Tensor, "n c h w"], how: str, factor: int = 2) -> Float[Tensor, "n c h2 w2"]:
    """Interpolated, `nearest` or `bilinear`."""
    return F.interpolate(x, scale_factor=factor, mode=how, align_corners=False if how == "bilinear" else None)


def deconvolution(channels: int) -> nn.ConvTranspose2d:
    """Doubles height and width."""
    return nn.ConvTranspose2d(channels, channels, 2, stride=2)


def path(space: SearchSpace, edges: CellEdges, weights: EdgeWeights) -> Sequence[str]:
    """The primitives that one-hot weights of a cell choose. Waits for the device.

    Raises:
        ValueError: the weights mix primitives.
    """
    rows = {group: values.tolist() for group, values in weights.items()}
    names = []
    for edge, (group, row) in zip(edges, space.slots(edges), strict=True):
        known = space.names(edge.kind)
        values = rows[group][row][: len(known)]
        if 1 not in values or any(value not in (0, 1) for value in values):
            raise ValueError(f"the supernet of {space.name} computes one path: give it one-hot edge weights")
        names.append(known[values.index(1)])
    return names
