"""Parameters of one primitive on several edges of a cell, stacked: mixing them is one product, not a loop.

Shapes: E edges that have the primitive, O and I output and input channels, k taps.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

SPECTRAL_EPS = 1e-12
"""As in torch.nn.utils.spectral_norm."""


class StackedConvolution(nn.Module):
    """Weights [E, O, I, k, k] and biases [E, O] of one convolution primitive, optionally spectrally normalised.

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

    def scaled(self, weights: Float[Tensor, " E"] | None) -> tuple[Tensor, Tensor | None]:
        """Kernels [E, O, I, k, k] and biases [E, O] of every edge times its weight (None: 1).

        Spectral norm divides the scale, never the kernel: weight / sigma is not built on its own.
        """
        scale = weights
        if self.spectral:
            sigma = self._sigma()
            scale = 1 / sigma if weights is None else weights / sigma
        kernel = self.weight if scale is None else self.weight * scale.view(-1, 1, 1, 1, 1)
        if self.bias is None or weights is None:
            return kernel, self.bias
        return kernel, self.bias * weights.unsqueeze(-1)

    def _sigma(self) -> Float[Tensor, " E"]:
        """Largest singular value of each edge's weight, by one power iteration per forward in training mode."""
        matrix = self.weight.flatten(2)
        u, v = self.u, self.v
        if self.training:
            u, v = power_iteration(matrix.detach(), u)
            self.u.copy_(u)
            self.v.copy_(v)
        # The forward keeps u and v of its own: the next one overwrites the buffers before this one's backward.
        return torch.einsum("eo,eoi,ei->e", u.clone(), matrix, v.clone())


def power_iteration(
    matrix: Float[Tensor, "E O I"], u: Float[Tensor, "E O"]
) -> tuple[Float[Tensor, "E O"], Float[Tensor, "E I"]]:
    """One step towards the leading singular vectors (Miyato et al. 2018, algorithm 1)."""
    v = F.normalize(torch.bmm(u.unsqueeze(1), matrix).squeeze(1), dim=1, eps=SPECTRAL_EPS)
    return F.normalize(torch.bmm(matrix, v.unsqueeze(2)).squeeze(2), dim=1, eps=SPECTRAL_EPS), v


class StackedTransposed(nn.Module):
    """Depthwise 3x3 transposed convolutions [E, C, 1, 3, 3] and their pointwise ones [E, C, C, 1, 1], no bias."""

    def __init__(self, edges: int, channels: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = nn.Parameter(torch.empty(edges, channels, 1, kernel, kernel))
        bound = 1 / kernel  # PyTorch's default: kaiming uniform over a fan-in of 1 x k x k
        nn.init.uniform_(self.depthwise, -bound, bound)
        self.pointwise = StackedConvolution(edges, channels, channels, kernel=1, bias=False)
