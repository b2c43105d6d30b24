"""What the generators of AutoGAN's and alphaGAN's space share: z is not cut, maps are enlarged by choice.

Shapes: N batch, C channels, H height, W width.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.architecture import EdgeWeights
from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import Generator
from search_space.space import SearchSpace
from search_space.topology import CellEdges


class UncutGenerator(Generator):
    """All of z enters the first cell: `latent_parts` is 1, whatever the configuration says."""

    def __init__(self, config: GeneratorConfig, genotype: Genotype | None, space: str) -> None:
        super().__init__(config.model_copy(update={"latent_parts": 1}), genotype, space)
        self.apply(_initialise)


def _initialise(module: nn.Module) -> None:
    """As released: transposed convolutions and linear layers keep PyTorch's default."""
    if isinstance(module, nn.Conv2d):
        nn.init.xavier_uniform_(module.weight)
    elif isinstance(module, nn.BatchNorm2d) and module.affine:
        nn.init.normal_(module.weight, 1.0, 0.02)


def enlarged(x: Float[Tensor, "n c h w"], how: str, factor: int = 2) -> Float[Tensor, "n c h2 w2"]:
    """Interpolated, `nearest` or `bilinear`."""
    return F.interpolate(
        x, scale_factor=factor, mode=how, align_corners=False if how == "bilinear" else None
    )


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
