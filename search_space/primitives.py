"""The vocabularies of operations, one row a primitive, in the index order of published genotype files.

Source: AdversarialNAS (arXiv 1912.02037), section 3.1 and the released search code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["normal", "image", "up", "down"]
"""What an edge does to resolution; `image` is a normal edge that reads the image itself."""


@dataclass(frozen=True)
class Primitive:
    """One candidate operation of an edge."""

    name: str
    operation: Literal["none", "skip", "conv", "nearest", "bilinear", "transposed", "avg_pool", "max_pool"]
    kernel: int = 0
    """Width of the square kernel in taps; 0 where the operation has none."""
    dilation: int = 1

    @property
    def padding(self) -> int:
        """Zeros on each side that keep the size ("same" padding)."""
        return self.dilation * (self.kernel - 1) // 2


CONVOLUTIONS = (
    Primitive("conv_1x1", "conv", kernel=1),
    Primitive("conv_3x3", "conv", kernel=3),
    Primitive("conv_5x5", "conv", kernel=5),
    Primitive("dil_conv_3x3", "conv", kernel=3, dilation=2),
    Primitive("dil_conv_5x5", "conv", kernel=5, dilation=2),
)

VOCABULARIES: Mapping[Kind, tuple[Primitive, ...]] = {
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


def primitive_names(kind: Kind) -> tuple[str, ...]:
    """Names of the primitives an edge of this kind chooses from, in index order."""
    return tuple(primitive.name for primitive in VOCABULARIES[kind])


def primitive_index(kind: Kind, name: str) -> int:
    """Index of a primitive in its vocabulary.

    Raises:
        KeyError: the name is not in the vocabulary; the message lists the known ones.
    """
    names = primitive_names(kind)
    if name not in names:
        raise KeyError(f"unknown {kind} primitive {name!r}; known: {', '.join(names)}")
    return names.index(name)
