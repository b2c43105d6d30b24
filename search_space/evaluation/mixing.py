"""Mixing kernels: all convolutions of an edge become one undilated and one dilated kernel.

All of them read the same map with the same stride and centre, so sum_i w_i conv_i(r) is one convolution by
sum_i w_i pad(kernel_i): exact, borders included, since zero padding is of the same r.

Shapes: E edges, O and I output and input channels, k taps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from search_space.evaluation.rectified import Geometry
from search_space.filling import Filling
from search_space.primitives import Kind, Primitive
from search_space.topology import Edge

Scaled = Mapping[tuple[Kind, str], tuple[Tensor, Tensor | None]]
"""By kind and primitive: kernels [E, O, I, k, k] and biases [E, O] of its edges, times their weights."""


@dataclass(frozen=True)
class Bundle:
    """Edges of one kind that hold the same primitives; in a supernet, all edges of a kind."""

    kind: Kind
    edges: tuple[Edge, ...]
    fillings: tuple[Filling, ...]

    def convolutions(self) -> tuple[list[Filling], list[Filling]]:
        """Its convolutions, undilated and dilated."""
        held = [filling for filling in self.fillings if filling.primitive.operation == "conv"]
        return [f for f in held if f.primitive.dilation == 1], [f for f in held if f.primitive.dilation > 1]


def bundle_edges(fillings: Sequence[Filling]) -> tuple[Bundle, ...]:
    """Group the edges of a cell by what they hold."""
    bundles: dict[tuple[int, ...], list[Edge]] = {}
    for edge in sorted({edge for filling in fillings for edge in filling.edges}, key=lambda edge: edge.name):
        holding = tuple(index for index, filling in enumerate(fillings) if edge in filling.edges)
        bundles.setdefault(holding, []).append(edge)
    return tuple(
        Bundle(edges[0].kind, tuple(edges), tuple(fillings[index] for index in holding))
        for holding, edges in bundles.items()
    )


def pick(stack: Tensor, filling: Filling, edges: Sequence[Edge]) -> Tensor:
    """Rows of a filling's stack that belong to these edges."""
    if filling.edges == tuple(edges):
        return stack
    return stack[[filling.position(edge) for edge in edges]]


def mix(
    bundle: Bundle, scaled: Scaled
) -> tuple[list[tuple[Float[Tensor, "e o i k k"], Geometry]], Float[Tensor, "e o"] | None]:
    """The kernels of a bundle's edges, one for each dilation it holds, and their common bias."""
    kernels, biases = [], []
    for held in bundle.convolutions():
        if held:
            width = max(filling.primitive.kernel for filling in held)
            parts = [pick(scaled[f.kind, f.primitive.name][0], f, bundle.edges) for f in held]
            kernels.append((_padded_sum(parts, width), _geometry(bundle.kind, held[0].primitive, width)))
        for filling in held:
            bias = scaled[filling.kind, filling.primitive.name][1]
            assert bias is not None
            biases.append(pick(bias, filling, bundle.edges))
    return kernels, sum(biases[1:], start=biases[0]) if biases else None


def _padded_sum(parts: Sequence[Tensor], width: int) -> Tensor:
    total = None
    for part in sorted(parts, key=lambda part: -part.shape[-1]):
        margin = (width - part.shape[-1]) // 2
        padded = F.pad(part, [margin] * 4) if margin else part
        total = padded if total is None else total + padded
    assert total is not None
    return total


def _geometry(kind: Kind, primitive: Primitive, width: int) -> Geometry:
    half = width // 2
    if kind != "down":
        return Geometry(padding=half * primitive.dilation, dilation=primitive.dilation)
    # Every kernel of a stride of 2 is centred on even pixels, and a dilation of 2 reads no others.
    return Geometry(padding=half, even=True) if primitive.dilation > 1 else Geometry(stride=2, padding=half)
