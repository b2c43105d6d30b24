"""Spectra of the maps and kernels of one evaluation, in blocks of row frequencies that fit the cache.

Everything is in scratch memory: a spectrum lives until the next one of its name. Spectra of kernels are by
far the largest tensors of all; they exist in blocks only.

Shapes: h = w size of maps, n batch, i and o channels in and out, t taps along one axis; F, G and f as in
`fourier`, b = 3 f G entries of a block of triples.
"""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from search_space.backends.conv_graph import Wiring
from search_space.backends.fourier import Basis, basis, triple_adjoint
from search_space.backends.workspace import scratch

BLOCK_BYTES = 14 << 20
"""Of the spectra in one block: products run 1.5 times slower once they leave the third-level cache."""


class Spectra:
    """The constant matrices that fit a wiring's tensors, and what is computed with them."""

    def __init__(self, wiring: Wiring, maps: Sequence[Tensor], kernels: Sequence[Tensor]) -> None:
        self.wiring, self.maps, self.kernels = wiring, maps, kernels
        size, _, self.batch, _ = maps[0].shape
        self.size = size // 2 if wiring.folded else size
        self.period = self.size + max(abs(offset) for c in wiring.connections for offset in c.offsets)
        self.frequencies = self.period // 2 + 1
        self.outputs = kernels[0].shape[2]
        dtype, device = maps[0].dtype, maps[0].device
        self.basis = basis(tuple(range(self.size)), self.period, -1, dtype, device)
        self._taps = [basis(c.offsets, self.period, 1, dtype, device) for c in wiring.connections]

    def blocks(self) -> Iterator[slice]:
        """Ranges of row frequencies."""
        inputs = sum(self.channels(source) for source in range(self.wiring.sources))
        kernel = max(kernel[0, 0].numel() for kernel in self.kernels)
        numbers = kernel + self.batch * (inputs + self.outputs * self.wiring.targets)
        step = max(1, BLOCK_BYTES // (3 * self.period * numbers * self.kernels[0].element_size()))
        for start in range(0, self.frequencies, step):
            yield slice(start, min(start + step, self.frequencies))

    def channels(self, source: int) -> int:
        """Of a source, as the convolutions see it."""
        position, _ = self.wiring.out_of(source)[0]
        return self.kernels[position].shape[3]

    def rows(self, channels: int, name: str) -> Float[Tensor, "F ww ni"]:
        """Memory for row frequencies of maps."""
        return scratch(name, (self.frequencies, 2 * self.size, self.batch * channels), self.maps[0])

    def analyse(
        self, planes: Float[Tensor, "h w n i"], matrix: Float[Tensor, "FF h"], rows: Float[Tensor, "F ww ni"]
    ) -> Float[Tensor, "F ww ni"]:
        """From the rows of maps to frequencies, by the basis or its synthesis matrix."""
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
        gradient = scratch("kernel", (len(spectrum), *kernel.shape[2:]), spectrum)
        torch.bmm(products.mT, spectrum, out=gradient)
        taps.adjoint(*triple_adjoint(gradient.view(3, len(rows), self.period, -1)), out=rows)
        total.view(len(kernel), -1).addmm_(_rows_of(taps, block).mT, rows.view(-1, kernel[0].numel()))

    def _kernel_rows(self, index: int, block: slice) -> Float[Tensor, "f tt oi"]:
        kernel = self.kernels[index]
        shape = (block.stop - block.start, 2 * len(kernel), kernel[0, 0].numel())
        return scratch("kernel rows", shape, kernel)


def _rows_of(taps: Basis, block: slice) -> Float[Tensor, "ff t"]:
    return taps.rows[2 * block.start : 2 * block.stop]
