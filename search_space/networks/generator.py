"""The generator, as a supernet or as the derived network of a genotype, and its images as bytes.

Shapes: N batch, Z latent size, C channels, H height, W width, S image size (8 x bottom_width).
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from search_space.architecture import EdgeWeights
from search_space.genotype import Genotype, GenotypeError, build, space_for
from search_space.networks.cell import Cell, choices_of
from search_space.networks.config import GeneratorConfig
from search_space.networks.paths import CarryingCell, CellRows, in_shares, weighted
from search_space.space import DEFAULT_SPACE


class ImageGenerator(nn.Module):
    """A generator of any space: latents [n, latent_dim] to images [n, c, s, s] in [-1, 1]."""

    config: GeneratorConfig

    def of_paths(
        self, z: Float[Tensor, "n z"], paths: Sequence[Genotype], *, recompute: bool = False
    ) -> Float[Tensor, "n c s s"]:
        """Images of a supernet: equal, consecutive shares of z go each through its own genotype.

        Only what a genotype uses is computed. BatchNorm normalises every share by its own statistics and
        keeps none: those of one path mean nothing to another. `recompute` keeps nothing for the backward pass
        but the images, which then computes share by share again.
        """
        images, shares = self.path_images(), zip(in_shares(z, paths), paths, strict=True)
        if not recompute:
            return torch.cat([images(share, path) for share, path in shares])
        again = partial(checkpoint, images, use_reentrant=False, preserve_rng_state=False)
        return torch.cat([again(share, path) for share, path in shares])

    @abstractmethod
    def path_images(self) -> Callable[[Tensor, Genotype], Tensor]:
        """A supernet's function from latents to images by one genotype, as often as one forward needs it."""


def derived_generator(config: GeneratorConfig, genotype: Genotype) -> ImageGenerator:
    """The generator of a genotype, as the genotype's own space builds it.

    Raises:
        GenotypeError: the genotype is a discriminator's.
    """
    if genotype.network != "generator":
        raise GenotypeError(f"a generator cannot be built from a {genotype.network}'s genotype")
    network = build(genotype, config)
    assert isinstance(network, ImageGenerator)
    return network


class Generator(ImageGenerator):
    """Three upsampling cells from a latent vector to an image.

    Source: AdversarialNAS section 3.1 and released code; parameter counts equal the published ones.
    """

    def __init__(
        self, config: GeneratorConfig, genotype: Genotype | None = None, space: str = DEFAULT_SPACE
    ) -> None:
        super().__init__()
        self.config, self.space = config, space_for("generator", genotype, space)
        self.latents = nn.ModuleList(
            nn.Linear(
                config.latent_dim // config.latent_parts,
                config.channels * (config.bottom_width * 2**part) ** 2,
            )
            for part in range(config.latent_parts)
        )
        self.cells = nn.ModuleList(
            Cell(
                self.space,
                edges,
                choices_of(genotype, index),
                config.channels,
                skip_ins=self.space.skip_ins[index],
            )
            for index, edges in enumerate(self.space.cells_of("generator"))
        )
        self.norm = GhostBatchNorm2d(config.channels)
        self.to_image = nn.Conv2d(config.channels, config.image_channels, 3, padding=1)
        nn.init.xavier_uniform_(self.to_image.weight)

    def forward(
        self, z: Float[Tensor, "n z"], edge_weights: EdgeWeights | None = None
    ) -> Float[Tensor, "n c s s"]:
        """Images in [-1, 1]. A supernet needs edge weights, a derived network takes none."""
        cells = [weighted(cell, edge_weights, index) for index, cell in enumerate(self.cells)]
        return self._image(self._carried(self._maps(z), cells), self.norm)

    def path_images(self) -> Callable[[Tensor, Genotype], Tensor]:
        """The stacked parameters are taken apart once, for all paths."""
        rows = [CellRows(cell) for cell in self.cells]

        def images(share: Tensor, path: Genotype) -> Tensor:
            cells = [row.path(names) for row, names in zip(rows, path.cells, strict=True)]
            return self._image(self._carried(self._maps(share), cells), self.norm.of_batch)

        return images

    def _maps(self, z: Tensor) -> list[Tensor]:
        return [self._feature_map(part, latent) for part, latent in enumerate(self._parts(z))]

    def _carried(self, maps: Sequence[Tensor], cells: Sequence[CarryingCell]) -> Float[Tensor, "n c h w"]:
        x, skips = maps[0], list[Tensor | None]()
        for index, cell in enumerate(cells):
            if 0 < index < len(maps):
                x = x + maps[index]
            x, skip = cell(x, skips)
            skips.append(skip)
        return x

    def _image(
        self, x: Float[Tensor, "n c h w"], norm: Callable[[Tensor], Tensor]
    ) -> Float[Tensor, "n c2 s s"]:
        if x.stride(1) == 1:
            # Channels are innermost already: this order is cheap to reach, and layers are fast in it.
            x = x.contiguous(memory_format=torch.channels_last)
        return self.to_image(F.relu(norm(x))).tanh()

    def _parts(self, z: Tensor) -> tuple[Tensor, ...]:
        return z.chunk(self.config.latent_parts, dim=1)

    def _feature_map(self, part: int, latent: Tensor) -> Float[Tensor, "n c h w"]:
        width = self.config.bottom_width * 2**part
        return self.latents[part](latent).unflatten(1, (self.config.channels, width, width))


class GhostBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm that normalises `shares` equal, consecutive parts of a batch, each by its own statistics.

    A worker that does the shares of several computes, up to rounding, what each of them would have computed
    and what `trainers.distributed.average_running_statistics` would have made of it.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float
    shares: int = 1

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Normalised maps; in evaluation mode by the running statistics, as ever."""
        if self.shares == 1 or not self.training:
            return super().forward(x)
        # Each share moves a copy: one after another, they would forget the first more than the last.
        means = [self.running_mean.clone() for _ in range(self.shares)]
        variances = [self.running_var.clone() for _ in range(self.shares)]
        normalized = [
            F.batch_norm(share, mean, variance, self.weight, self.bias, True, self.momentum, self.eps)
            for share, mean, variance in zip(x.chunk(self.shares), means, variances, strict=True)
        ]
        self.running_mean.copy_(torch.stack(means).mean(0))
        self.running_var.copy_(torch.stack(variances).mean(0))
        self.num_batches_tracked.add_(1)
        return torch.cat(normalized)

    def of_batch(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Maps normalised by their own statistics, in either mode; the running ones stay what they are."""
        return F.batch_norm(x, None, None, self.weight, self.bias, True, eps=self.eps)


def to_uint8(images: Float[Tensor, "n c s s"]) -> UInt8[Tensor, "n c s s"]:
    """Images in [-1, 1] as bytes, truncated as published scores are (x 127.5 + 127.5)."""
    return (images * 127.5 + 127.5).clamp(0, 255).to(torch.uint8)
