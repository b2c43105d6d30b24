"""Parameters of one primitive on several edges of a cell, stacked: mixing them is one product, not a loop.

Shapes: E edges that have the primitive, O and I output and input channels, k taps.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

SPECTRAL_EPS = 1e-12
"""As in torch.nn.utils.spectral_norm."""


class SpectralNorm(NamedTuple):
    """Largest singular values of stacked weights as of one forward, and what their gradient needs: u v^T."""

    sigma: Float[Tensor, " E"]
    u: Float[Tensor, "E O"]
    v: Float[Tensor, "E _"]


class StackedConvolution(nn.Module):
    """Weights [E, O, I, k, k] and biases [E, O] of a convolution primitive, under spectral norm if asked to.

    Initialised edge by edge as released: xavier uniform weights, PyTorch's default bias.
    """

    u: Tensor
    v: Tensor

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
        """The kernels as they convolve: divided by sigma under spectral norm."""
        if (norm := self.spectral_norm()) is None:
            return self.weight
        sigma = torch.einsum("eo,eoi,ei->e", norm.u, self.weight.flatten(2), norm.v)
        return self.weight / sigma.view(-1, 1, 1, 1, 1)

    @torch.no_grad()
    def spectral_norm(self) -> SpectralNorm | None:
        """None without spectral norm. In training mode this makes the power iteration of a forward."""
        if not self.spectral:
            return None
        matrix = self.weight.flatten(2)
        if not self.training:
            sigma = torch.bmm(torch.bmm(self.u.unsqueeze(1), matrix), self.v.unsqueeze(2)).flatten()
            return SpectralNorm(sigma, self.u, self.v)
        # New tensors: an earlier forward whose backward is still to come keeps the ones it used.
        norm = power_iteration(matrix, self.u)
        _, self.u, self.v = norm
        return norm


def power_iteration(matrix: Float[Tensor, "E O I"], u: Float[Tensor, "E O"]) -> SpectralNorm:
    """One step towards the leading singular vectors (Miyato et al. 2018, algorithm 1)."""
    v = torch.bmm(u.unsqueeze(1), matrix).squeeze(1)
    v /= torch.linalg.vector_norm(v, dim=1, keepdim=True).clamp_min_(SPECTRAL_EPS)
    u = torch.bmm(matrix, v.unsqueeze(2)).squeeze(2)
    sigma = torch.linalg.vector_norm(u, dim=1)
    u /= sigma.clamp_min(SPECTRAL_EPS).unsqueeze(1)
    return SpectralNorm(sigma, u, v)


class StackedTransposed(nn.Module):
    """Depthwise transposed convolutions [E, C, 1, k, k] and their pointwise ones [E, C, C, 1, 1], no bias."""

    def __init__(self, edges: int, channels: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = nn.Parameter(torch.empty(edges, channels, 1, kernel, kernel))
        bound = 1 / kernel  # PyTorch's default: kaiming uniform over a fan-in of 1 x k x k
        nn.init.uniform_(self.depthwise, -bound, bound)
        self.pointwise = StackedConvolution(edges, channels, channels, kernel=1, bias=False)
