"""Discrete Fourier transforms of maps and kernels as products with constant real matrices.

A "same" convolution of a map of size p by taps within +-r is a circular one of period p + r: zeros behind the
map are all that wrapped taps can see. Rows come first and give frequencies f = 0..F-1, the others follow by
conjugation; columns come second and give all g = 0..G-1.

Complex products take three real ones (Gauss): for a + ib and c + id, Re = ac - bd and
Im = (a + b)(c + d) - ac - bd. So a spectrum is kept as the triple (a, b, a + b), and a product of two
triples, entry by entry, as (ac, bd, (a + b)(c + d)).

Shapes: G the period and number of column frequencies, F = G // 2 + 1 row frequencies, f of them in a block,
p positions along one axis, m anything else; FF, pp and so on count real and imaginary parts.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from search_space.backends.conv_graph import ConvGraph
from search_space.backends.memory_layout import workspace

Triple = Float[Tensor, "3 f G m"]


@dataclass(frozen=True)
class Basis:
    """Sines and cosines at the positions of one axis; they serve both."""

    rows: Float[Tensor, "FF p"]
    """Real and imaginary part of every row frequency, from real positions."""
    synthesis: Float[Tensor, "FF p"]
    """The matrix whose transpose leads from row frequencies back to positions."""
    real: Float[Tensor, "G pp"]
    """Real part of every column frequency, from the real parts at all positions, then the imaginary ones."""
    imaginary: Float[Tensor, "G pp"]

    def triple(self, rows: Float[Tensor, "f pp m"], name: str) -> Triple:
        """Spectrum of rows, in workspace memory of that name."""
        triple = workspace(name, (3, len(rows), len(self.real), rows.shape[2]), rows)
        real, imaginary, both = triple
        self._transform(rows, real, imaginary)
        torch.add(real, imaginary, out=both)
        return triple

    def product_gradient(self, rows: Float[Tensor, "f pp m"], name: str) -> Triple:
        """Gradient of a product of triples whose real and imaginary part become rows by `adjoint`."""
        triple = workspace(name, (3, len(rows), len(self.real), rows.shape[2]), rows)
        first, second, third = triple
        self._transform(rows, first, third)
        torch.add(first, third, out=second).neg_()
        first.sub_(third)
        return triple

    def _transform(self, rows: Tensor, real: Tensor, imaginary: Tensor) -> None:
        torch.bmm(self.real.expand(len(rows), -1, -1), rows, out=real)
        torch.bmm(self.imaginary.expand(len(rows), -1, -1), rows, out=imaginary)

    def adjoint(
        self, real: Float[Tensor, "f G m"], imaginary: Float[Tensor, "f G m"], out: Float[Tensor, "f pp m"]
    ) -> None:
        """Transpose of the transform of columns."""
        torch.bmm(self.real.mT.expand(len(out), -1, -1), real, out=out)
        out.baddbmm_(self.imaginary.mT.expand(len(out), -1, -1), imaginary)


@cache
def basis(
    positions: Sequence[int], period: int, sign: int, dtype: torch.dtype, device: torch.device
) -> Basis:
    """exp(sign 2 pi i f p / period), computed in float64: -1 for maps, 1 for the taps of a correlation."""
    frequencies = torch.arange(period // 2 + 1)
    cosine, sine = _cosine_and_sine(frequencies, positions, period, sign)
    rows = torch.stack([cosine, sine], 1).flatten(0, 1)
    # Frequency 0 and, of an even period, the highest one have no conjugate among those left out.
    multiplicity = torch.where((2 * frequencies) % period == 0, 1.0, 2.0).double() / period**2
    synthesis = rows * multiplicity.repeat_interleave(2).unsqueeze(1)
    cosine, sine = _cosine_and_sine(torch.arange(period), positions, period, sign)
    real, imaginary = torch.cat([cosine, -sine], 1), torch.cat([sine, cosine], 1)
    return Basis(
        *(matrix.to(device, dtype, non_blocking=True) for matrix in (rows, synthesis, real, imaginary))
    )


def _cosine_and_sine(
    frequencies: Tensor, positions: Sequence[int], period: int, sign: int
) -> tuple[Tensor, Tensor]:
    turns = torch.outer(frequencies, torch.tensor(list(positions))) % period
    angles = turns.double() * (sign * 2 * math.pi / period)
    return angles.cos(), angles.sin()


def complex_product(triple: Triple) -> tuple[Tensor, Tensor]:
    """Real and imaginary part of a product of triples; overwrites it."""
    triple[2].sub_(triple[0]).sub_(triple[1])
    return triple[0].sub_(triple[1]), triple[2]


def triple_adjoint(triple: Triple) -> tuple[Tensor, Tensor]:
    """Gradients of real and imaginary part from those of a triple; overwrites it."""
    return triple[0].add_(triple[2]), triple[1].add_(triple[2])


BLOCK_BYTES = 8 << 20
"""Bytes of the spectra in one block: products are 1.5 times slower outside the third-level cache."""


class Spectra:
    """The constant matrices that fit a graph's tensors, and what is computed with them."""

    def __init__(self, graph: ConvGraph, maps: Sequence[Tensor], kernels: Sequence[Tensor]) -> None:
        self.graph, self.maps, self.kernels = graph, maps, kernels
        size, _, self.batch, _ = maps[0].shape
        self.size = size // 2 if graph.folded else size
        self.period = self.size + max(abs(offset) for c in graph.connections for offset in c.offsets)
        self.frequencies = self.period // 2 + 1
        self.outputs = kernels[0].shape[2]
        dtype, device = maps[0].dtype, maps[0].device
        self.basis = basis(tuple(range(self.size)), self.period, -1, dtype, device)
        self._taps = [basis(c.offsets, self.period, 1, dtype, device) for c in graph.connections]

    def blocks(self) -> Iterator[slice]:
        """Ranges of row frequencies."""
        inputs = sum(self.channels(source) for source in range(self.graph.sources))
        kernel = max(kernel[0, 0].numel() for kernel in self.kernels)
        numbers = kernel + self.batch * (inputs + self.outputs * self.graph.targets)
        step = max(1, BLOCK_BYTES // (3 * self.period * numbers * self.kernels[0].element_size()))
        for start in range(0, self.frequencies, step):
            yield slice(start, min(start + step, self.frequencies))

    def channels(self, source: int) -> int:
        """Channels of a source, as the convolutions see it."""
        position, _ = self.graph.out_of(source)[0]
        return self.kernels[position].shape[3]

    def rows(self, channels: int, name: str) -> Float[Tensor, "F ww ni"]:
        """Memory for row frequencies of maps."""
        return workspace(name, (self.frequencies, 2 * self.size, self.batch * channels), self.maps[0])

    def analyse(
        self, planes: Float[Tensor, "h w n i"], matrix: Float[Tensor, "FF h"], rows: Float[Tensor, "F ww ni"]
    ) -> Float[Tensor, "F ww ni"]:
        """The frequencies of the rows of maps, by the basis or its synthesis matrix."""
        torch.mm(matrix, planes.view(self.size, -1), out=rows.view(2 * self.frequencies, -1))
        return rows

    def synthesise(
        self, rows: Float[Tensor, "F ww ni"], matrix: Float[Tensor, "FF h"]
    ) -> Float[Tensor, "h w n i"]:
        """Transpose of `analyse`, into new memory."""
        # Not a view: autograd lets nobody overwrite a view that a function returned.
        planes = rows.new_empty(self.size, self.size, self.batch, rows.shape[2] // self.batch)
        torch.mm(matrix.mT, rows.view(2 * self.frequencies, -1), out=planes.view(self.size, -1))
        return planes

    def kernel(self, index: int, block: slice) -> Float[Tensor, "b o i"]:
        """Spectrum of a kernel."""
        kernel, taps = self.kernels[index], self._taps[index]
        rows = self._kernel_rows(index, block)
        torch.mm(_rows_of(taps, block), kernel.view(len(kernel), -1), out=rows.view(-1, kernel[0].numel()))
        return taps.triple(rows, "kernel").view(-1, *kernel.shape[2:])

    def add_kernel_gradient(
        self,
        total: Float[Tensor, "t t o i"],
        index: int,
        block: slice,
        products: Float[Tensor, "b n o"],
        spectrum: Float[Tensor, "b n i"],
    ) -> None:
        """Add a block's share to the gradient of a kernel."""
        kernel, taps, rows = self.kernels[index], self._taps[index], self._kernel_rows(index, block)
        gradient = workspace("kernel", (len(spectrum), *kernel.shape[2:]), spectrum)
        torch.bmm(products.mT, spectrum, out=gradient)
        taps.adjoint(*triple_adjoint(gradient.view(3, len(rows), self.period, -1)), out=rows)
        total.view(len(kernel), -1).addmm_(_rows_of(taps, block).mT, rows.view(-1, kernel[0].numel()))

    def _kernel_rows(self, index: int, block: slice) -> Float[Tensor, "f tt oi"]:
        kernel = self.kernels[index]
        shape = (block.stop - block.start, 2 * len(kernel), kernel[0, 0].numel())
        return workspace("kernel rows", shape, kernel)


def _rows_of(taps: Basis, block: slice) -> Float[Tensor, "ff t"]:
    return taps.rows[2 * block.start : 2 * block.stop]
