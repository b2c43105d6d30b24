"""Direct form: kernels are mixed instead of outputs, and edges that leave one node share one convolution.

What the backward pass needs is one map per node, the node itself: architecture parameters get their
gradients through the mixed kernels, not through the outputs of operations.

Shapes: N batch, E edges, C channels of a node, H height, W width.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.architecture import EdgeWeights
from search_space.evaluation.mixing import Bundle, bundle_edges, mix, pick
from search_space.evaluation.rectified import Geometry, convolve_rectified
from search_space.evaluation.upsampling import upsample
from search_space.filling import Filling
from search_space.stacked import StackedConvolution, StackedTransposed
from search_space.topology import Edge


class DirectForm:
    """Mixes kernels once per forward, then convolves once or twice per node."""

    def __init__(self, fillings: Sequence[Filling], operations: Sequence[nn.Module | None]) -> None:
        self.pairs = list(zip(fillings, operations, strict=True))
        self.bundles = bundle_edges(fillings)

    def flow(self, edge_weights: EdgeWeights | None) -> "DirectFlow":
        """Begin a forward."""
        return DirectFlow(self, edge_weights)


class DirectFlow:
    """One forward in direct form."""

    def __init__(self, form: DirectForm, edge_weights: EdgeWeights | None) -> None:
        self._bundles = form.bundles
        self._sums: dict[int, Tensor] = {}
        self._weights = {filling: filling.weights(edge_weights) for filling, _ in form.pairs}
        self._scaled, self._depthwise = {}, None
        for filling, operation in form.pairs:
            if isinstance(operation, StackedTransposed):
                self._depthwise, operation = operation.depthwise, operation.pointwise
            if isinstance(operation, StackedConvolution):
                self._scaled[filling.kind, filling.primitive.name] = operation.scaled(self._weights[filling])
        self._mixed = {bundle: mix(bundle, self._scaled) for bundle in form.bundles if bundle.kind != "up"}

    def leave(self, node: int, value: Tensor) -> None:
        """Evaluate all outgoing edges, those that hold the same primitives at once."""
        for bundle in self._bundles:
            edges = [edge for edge in bundle.edges if edge.source == node]
            if not edges:
                continue
            if bundle.kind == "up":
                outputs = upsample(bundle, edges, value, self._scaled, self._depthwise)
                self._add(edges, outputs.unbind(1))
            else:
                self._convolve(bundle, edges, value)
                self._add_unconvolved(bundle, edges, value)

    def arrive(self, node: int) -> Tensor:
        """Sum of the incoming edges."""
        return self._sums.pop(node)

    def _convolve(self, bundle: Bundle, edges: Sequence[Edge], value: Float[Tensor, "n c h w"]) -> None:
        kernels, bias = self._mixed[bundle]
        if bias is None:
            return
        rows = [bundle.edges.index(edge) for edge in edges]
        taken = [(kernel[rows].flatten(0, 1), geometry) for kernel, geometry in kernels]
        convolve = _convolve_image if bundle.kind == "image" else convolve_rectified
        outputs = convolve(value, taken, bias[rows].flatten())
        self._add(edges, outputs.unflatten(1, (len(edges), -1)).unbind(1))

    def _add_unconvolved(
        self, bundle: Bundle, edges: Sequence[Edge], value: Float[Tensor, "n c h w"]
    ) -> None:
        for filling in bundle.fillings:
            match filling.primitive.operation:
                case "skip":
                    output = value
                case "avg_pool":
                    output = F.avg_pool2d(value, 2)
                case "max_pool":
                    output = F.max_pool2d(value, 2)
                case _:
                    continue
            weights = self._weights[filling]
            for edge in edges:
                if weights is None or edge.target not in self._sums:
                    self._add(
                        [edge], [output if weights is None else output * weights[filling.position(edge)]]
                    )
                else:
                    weight = weights[filling.position(edge)]
                    self._sums[edge.target] = torch.addcmul(self._sums[edge.target], output, weight)

    def _add(self, edges: Sequence[Edge], outputs: Sequence[Tensor]) -> None:
        for edge, output in zip(edges, outputs, strict=True):
            node = edge.target
            self._sums[node] = self._sums[node] + output if node in self._sums else output


def _convolve_image(
    image: Float[Tensor, "n c h w"], kernels: list[tuple[Tensor, Geometry]], bias: Float[Tensor, " o"]
) -> Float[Tensor, "n o h w"]:
    """As `convolve_rectified`, without the ReLU."""
    (kernel, geometry), *others = kernels
    total = F.conv2d(image, kernel, bias, padding=geometry.padding, dilation=geometry.dilation)
    for kernel, geometry in others:
        total = total + F.conv2d(image, kernel, padding=geometry.padding, dilation=geometry.dilation)
    return total
