"""Convolutions from several maps into several sums of them, computed in the frequency domain.

Maps are planes [h, w, n, c]: transforms act on the first two axes and products on the last two, so that
everything is a few matrix products and nothing is ever transposed. What is saved for the backward pass are
the maps and the kernels themselves.

Shapes: h = w size of maps, n batch, i and o channels, t taps along one axis; F, G and f as in `fourier`,
b = 3 f G entries of a block of triples.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from search_space.backends.backend import in_full_precision
from search_space.backends.conv_graph import ConvGraph
from search_space.backends.memory_layout import workspace
from search_space.backends.spectra import Spectra, complex_product, triple_adjoint


def convolve_planes(
    graph: ConvGraph,
    maps: Sequence[Float[Tensor, "h w n _"]],
    kernels: Sequence[Float[Tensor, "_ _ o _"]],
    biases: Sequence[Float[Tensor, " o"]],
) -> tuple[Float[Tensor, "h2 w2 n o"], ...]:
    """Every target, from the sources and one kernel [t, t, o, i] and bias per connection."""
    return in_full_precision(_Convolutions, graph, *maps, *kernels, *biases)


class _Convolutions(torch.autograd.Function):
    @staticmethod
    def forward(ctx, graph, *tensors):  # type: ignore[no-untyped-def]
        maps, kernels, biases = graph.split(tensors)
        ctx.graph = graph
        ctx.save_for_backward(*maps, *kernels)
        return _forward(Spectra(graph, maps, kernels), biases)

    @staticmethod
    def backward(ctx, *gradients):  # type: ignore[no-untyped-def]
        maps, kernels, _ = ctx.graph.split(ctx.saved_tensors)
        wants_maps, wants_kernels, wants_biases = ctx.graph.split(ctx.needs_input_grad[1:])
        backward = _Backward(Spectra(ctx.graph, maps, kernels), gradients, wants_maps, any(wants_kernels))
        to_maps, to_kernels = backward.run()
        to_biases = backward.biases() if any(wants_biases) else [None] * len(wants_biases)
        return None, *to_maps, *to_kernels, *to_biases


def _forward(spectra: Spectra, biases: Sequence[Tensor]) -> tuple[Tensor, ...]:
    sources = _analyse_sources(spectra)
    totals = [spectra.rows(spectra.outputs, f"target {t}") for t in range(spectra.graph.targets)]
    for block in spectra.blocks():
        triples = [
            spectra.basis.triple(rows[block], f"spectrum {source}").view(
                -1, spectra.batch, spectra.channels(source)
            )
            for source, rows in enumerate(sources)
        ]
        for target, total in enumerate(totals):
            products = _products(spectra, target, triples, block)
            spectra.basis.adjoint(*complex_product(products), out=total[block])
    for connection, bias in zip(spectra.graph.connections, biases, strict=True):
        _constant(spectra, totals[connection.target]).add_(bias, alpha=spectra.period**2)
    return tuple(spectra.synthesise(total, spectra.basis.synthesis) for total in totals)


def _analyse_sources(spectra: Spectra) -> list[Float[Tensor, "F ww _"]]:
    return [
        spectra.analyse(
            spectra.graph.read(source, planes),
            spectra.basis.rows,
            spectra.rows(spectra.channels(source), f"source {source}"),
        )
        for source, planes in enumerate(spectra.maps)
    ]


def _products(
    spectra: Spectra, target: int, triples: Sequence[Float[Tensor, "b n _"]], block: slice
) -> Float[Tensor, "3 f G no"]:
    b, n, _ = triples[0].shape
    total = workspace("product", (b, n, spectra.outputs), triples[0])
    for count, (index, connection) in enumerate(spectra.graph.into(target)):
        kernel = spectra.kernel(index, block)
        total.baddbmm_(triples[connection.source], kernel.mT, beta=1 if count else 0)
    return total.view(3, block.stop - block.start, spectra.period, -1)


def _constant(spectra: Spectra, rows: Float[Tensor, "F ww no"]) -> Float[Tensor, "wn o"]:
    """The row frequencies in which a constant added to a map, divided by period^2, shows."""
    return rows[0, : spectra.size].view(-1, spectra.outputs)


class _Backward:
    """One backward pass; gradients of sources take the place of their row frequencies."""

    def __init__(
        self,
        spectra: Spectra,
        gradients: Sequence[Float[Tensor, "h w n o"]],
        wants_maps: Sequence[bool],
        wants_kernels: bool,
    ) -> None:
        self._spectra, self._wants_maps, self._wants_kernels = spectra, wants_maps, wants_kernels
        self._totals = [
            spectra.analyse(
                gradient.contiguous(), spectra.basis.synthesis, spectra.rows(spectra.outputs, f"target {t}")
            )
            for t, gradient in enumerate(gradients)
        ]

    def run(self) -> tuple[Sequence[Tensor | None], Sequence[Tensor | None]]:
        """Gradients of maps and kernels."""
        spectra = self._spectra
        if self._wants_kernels:
            sources = _analyse_sources(spectra)
            to_kernels = [torch.zeros_like(kernel) for kernel in spectra.kernels]
        else:
            sources = [spectra.rows(spectra.channels(s), f"source {s}") for s in range(spectra.graph.sources)]
            to_kernels = []
        for block in spectra.blocks():
            products = [
                spectra.basis.product_gradient(total[block], f"product {t}").view(
                    -1, spectra.batch, spectra.outputs
                )
                for t, total in enumerate(self._totals)
            ]
            for source, rows in enumerate(sources):
                if self._wants_kernels:
                    self._add_kernel_gradients(to_kernels, source, rows[block], products, block)
                if self._wants_maps[source]:
                    self._replace_by_gradient(source, rows[block], products, block)
        to_maps = [self._to_map(source, rows) for source, rows in enumerate(sources)]
        return to_maps, to_kernels or [None] * len(spectra.kernels)

    def biases(self) -> list[Float[Tensor, " o"]]:
        """Gradients of biases; of one target all are the same."""
        spectra = self._spectra
        of_targets = [_constant(spectra, total).sum(0).mul_(spectra.period**2) for total in self._totals]
        return [of_targets[connection.target] for connection in spectra.graph.connections]

    def _add_kernel_gradients(
        self, totals: Sequence[Tensor], source: int, rows: Tensor, products: Sequence[Tensor], block: slice
    ) -> None:
        spectra = self._spectra
        triple = spectra.basis.triple(rows, "spectrum").view(-1, spectra.batch, spectra.channels(source))
        for index, connection in spectra.graph.out_of(source):
            spectra.add_kernel_gradient(totals[index], index, block, products[connection.target], triple)

    def _replace_by_gradient(
        self, source: int, rows: Tensor, products: Sequence[Tensor], block: slice
    ) -> None:
        spectra = self._spectra
        total = workspace("spectrum", (len(products[0]), spectra.batch, spectra.channels(source)), rows)
        for count, (index, connection) in enumerate(spectra.graph.out_of(source)):
            kernel = spectra.kernel(index, block)
            total.baddbmm_(products[connection.target], kernel, beta=1 if count else 0)
        triple = total.view(3, len(rows), spectra.period, -1)
        spectra.basis.adjoint(*triple_adjoint(triple), out=rows)

    def _to_map(self, source: int, rows: Tensor) -> Float[Tensor, "h w n i"] | None:
        if not self._wants_maps[source]:
            return None
        spectra = self._spectra
        return spectra.graph.unread(
            source, spectra.synthesise(rows, spectra.basis.rows), spectra.maps[source]
        )
