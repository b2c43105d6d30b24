"""Which primitives fill which edges of a cell, and the stacked parameters of a primitive on all its edges.

Mixing stacked parameters is one product, not a loop.

Shapes: E edges that have the primitive, O and I output and input channels, k taps.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.architecture import EdgeWeights
from search_space.space import SearchSpace
from search_space.topology import CellEdges, Edge, Kind, Primitive

SPECTRAL_EPS = 1e-12
"""As in torch.nn.utils.spectral_norm."""


Choices = Sequence[Sequence[str]]
"""Per edge of a cell, the names of the primitives that fill it."""


@dataclass(frozen=True)
class Filling:
    """One primitive of a cell and the edges it stands on, in the order of its stacked parameters."""

    kind: Kind
    primitive: Primitive
    edges: tuple[Edge, ...]
    group: str
    """Which tensor of edge weights is theirs."""
    rows: tuple[int, ...]
    """Rows of the edges in it."""
    column: int
    """Column of the primitive in it."""

    def weights(self, edge_weights: EdgeWeights | None) -> Tensor | None:
        """Weight [E] of the primitive on each of its edges; None, as in derived networks, stands for ones."""
        if edge_weights is None:
            return None
        return taken(edge_weights[self.group].select(-1, self.column), self.rows)

    def position(self, edge: Edge) -> int:
        """The position of the edge in the stack."""
        return self.edges.index(edge)


def taken(tensor: Tensor, numbers: Sequence[int], axis: int = 0) -> Tensor:
    """The numbered slices of an axis; a view where the numbers follow each other.

    A list as an index would be copied to a GPU in every forward, which waits for it.
    """
    numbers = tuple(numbers)
    if not _consecutive(numbers):
        return tensor.index_select(axis, _on_device(numbers, tensor.device))
    if len(numbers) == tensor.shape[axis]:
        return tensor
    return tensor.narrow(axis, numbers[0], len(numbers))


@cache
def _consecutive(numbers: tuple[int, ...]) -> bool:
    return numbers == tuple(range(numbers[0], numbers[-1] + 1))


@cache
def _on_device(numbers: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(numbers).to(device, non_blocking=True)


def every_primitive(space: SearchSpace, edges: CellEdges) -> Choices:
    """The choices of a supernet's cell."""
    return tuple(space.names(edge.kind) for edge in edges)


def fill(space: SearchSpace, edges: CellEdges, choices: Choices) -> tuple[Filling, ...]:
    """The fillings of a cell, by kind and in vocabulary order; primitives that stand nowhere are left out."""
    fillings = []
    for kind in dict.fromkeys(edge.kind for edge in edges):
        for column, primitive in enumerate(space.vocabularies[kind]):
            places = [
                (edge, row)
                for edge, (_, row), names in zip(edges, space.slots(edges), choices, strict=True)
                if edge.kind == kind and primitive.name in names
            ]
            if places:
                filled, rows = zip(*places, strict=True)
                fillings.append(Filling(kind, primitive, filled, space.groups[kind], rows, column))
    return tuple(fillings)


class SpectralNorm(NamedTuple):
    """Largest singular values of stacked weights as of one forward, and what their gradient needs: u v^T.

    Shapes [E], [E, O] and [E, I k k]; E differs from stack to stack.
    """

    sigma: Tensor
    u: Tensor
    v: Tensor


class StackedConvolution(nn.Module):
    """Weights [E, O, I, k, k] and biases [E, O] of a convolution primitive, under spectral norm if asked to.

    Initialised edge by edge as released: xavier uniform weights, PyTorch's default bias.
    """

    weight: Tensor
    bias: Tensor | None
    u: Tensor
    v: Tensor
    norm: SpectralNorm | None = None
    """Spectral norms of this forward pass, if they are known already."""

    def __init__(
        self,
        edges: int,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        bias: bool = True,
        spectral: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(edges, out_channels, in_channels, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(edges, out_channels)) if bias else None
        self.spectral = spectral
        for edge in range(edges):
            nn.init.xavier_uniform_(self.weight.data[edge])
        if self.bias is not None:
            bound = 1 / math.sqrt(in_channels * kernel**2)
            nn.init.uniform_(self.bias, -bound, bound)
        if spectral:
            self.register_buffer("u", F.normalize(torch.randn(edges, out_channels), dim=1, eps=SPECTRAL_EPS))
            self.register_buffer(
                "v", F.normalize(torch.randn(edges, in_channels * kernel**2), dim=1, eps=SPECTRAL_EPS)
            )

    def normalized(self) -> Float[Tensor, "E O I k k"]:
        """The kernels as they convolve: divided by sigma under spectral norm, after a power iteration."""
        if not self.spectral:
            return self.weight
        (norm,) = spectral_norms([self])
        with torch.autocast(self.weight.device.type, enabled=False):
            sigma = torch.einsum("eo,eoi,ei->e", norm.u, self.weight.flatten(2), norm.v)
        return self.weight / sigma.view(-1, 1, 1, 1, 1)


@torch.no_grad()
def spectral_norms(stacks: Sequence[StackedConvolution]) -> list[SpectralNorm]:
    """The norms of spectrally normalised stacks with equal output channels; in training, after a power
    iteration.

    Source: Miyato et al. 2018, algorithm 1.
    """
    if known := [stack.norm for stack in stacks if stack.norm is not None]:
        return known
    matrices = [stack.weight.flatten(2) for stack in stacks]
    # Outside autocast: sigma divides every weight and needs its digits.
    with torch.autocast(matrices[0].device.type, enabled=False):
        if stacks[0].training:
            return _after_a_power_iteration(stacks, matrices)
        pairs = zip(stacks, matrices, strict=True)
        # Copies: a power iteration overwrites the vectors that a backward pass may still need.
        return [
            SpectralNorm(_sigma(matrix, stack.u, stack.v), stack.u.clone(), stack.v.clone())
            for stack, matrix in pairs
        ]


def _after_a_power_iteration(
    stacks: Sequence[StackedConvolution], matrices: Sequence[Tensor]
) -> list[SpectralNorm]:
    """Norms of all stacks are taken at once. That of W^T u comes without it: |W^T u|^2 = u . (W W^T u)."""
    sizes = [len(matrix) for matrix in matrices]
    v = [_times(stack.u, matrix) for stack, matrix in zip(stacks, matrices, strict=True)]
    u = torch.cat([_times(one, matrix.mT) for one, matrix in zip(v, matrices, strict=True)])
    lengths = (torch.cat([stack.u for stack in stacks]) * u).sum(1).clamp_min_(SPECTRAL_EPS**2).sqrt_()
    norms = torch.linalg.vector_norm(u, dim=1).clamp_min_(SPECTRAL_EPS)
    sigmas, u = norms / lengths, u / norms.unsqueeze(1)
    parts = zip(sigmas.split(sizes), u.split(sizes), v, lengths.unsqueeze(1).split(sizes), strict=True)
    result = [SpectralNorm(sigma, one, other / length) for sigma, one, other, length in parts]
    # In place, as a captured step finds them; an earlier forward's backward pass has tensors of its own.
    kept = [vector for stack in stacks for vector in (stack.u, stack.v)]
    torch._foreach_copy_(kept, [vector for _, *vectors in result for vector in vectors])
    return result


def _times(vectors: Float[Tensor, "E a"], matrices: Float[Tensor, "E a b"]) -> Float[Tensor, "E b"]:
    return torch.bmm(vectors.unsqueeze(1), matrices).squeeze(1)


def _sigma(matrix: Tensor, u: Tensor, v: Tensor) -> Float[Tensor, " E"]:
    return (_times(u, matrix) * v).sum(1)


class StackedTransposed(nn.Module):
    """Depthwise transposed convolutions [E, C, 1, k, k] and their pointwise ones [E, C, C, 1, 1], no bias."""

    depthwise: Tensor
    pointwise: StackedConvolution

    def __init__(self, edges: int, channels: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = nn.Parameter(torch.empty(edges, channels, 1, kernel, kernel))
        bound = 1 / kernel  # PyTorch's default: kaiming uniform over a fan-in of 1 x k x k
        nn.init.uniform_(self.depthwise, -bound, bound)
        self.pointwise = StackedConvolution(edges, channels, channels, kernel=1, bias=False)
