"""Op by op, as the released code: every primitive of every edge is computed, weighted and summed.

The slow twin of all other backends.
"""

from collections import defaultdict
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.architecture import EdgeWeights
from search_space.backends.backend import Map, Operation, Operations
from search_space.stacked import Filling, StackedConvolution, StackedTransposed
from search_space.topology import SkipIn


class OpByOpBackend:
    """Evaluates primitives one at a time; obvious rather than fast."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def flow(self, x: Map, edge_weights: EdgeWeights | None) -> "OpByOpFlow":  # noqa: ARG002
        """Begin a forward."""
        return OpByOpFlow(self._operations, edge_weights)


class OpByOpFlow:
    """One forward, op by op."""

    def __init__(self, operations: Operations, edge_weights: EdgeWeights | None) -> None:
        self._sums: defaultdict[int, list[Tensor]] = defaultdict(list)
        self._fillings = [
            (filling, _kernels(operation), filling.weights(edge_weights))
            for filling, operation in operations.items()
        ]

    def push(self, node: int, value: Tensor) -> None:
        """Evaluate every primitive on every outgoing edge."""
        for filling, kernels, weights in self._fillings:
            for position, edge in enumerate(filling.edges):
                if edge.source == node and filling.primitive.operation != "none":
                    output = _apply(filling, [stack[position] for stack in kernels], value)
                    self._sums[edge.target].append(output if weights is None else weights[position] * output)

    def push_skip(self, node: int, skip_in: SkipIn, skip: Tensor, convolution: nn.Conv2d) -> None:
        """Resize a skip from an earlier cell to the node's size, then convolve it."""
        size = self._sums[node][0].shape[-2:]
        align = None if skip_in.resize == "nearest" else False
        self._sums[node].append(
            convolution(F.interpolate(skip, size, mode=skip_in.resize, align_corners=align))
        )

    def pull(self, node: int) -> Tensor:
        """Sum of the incoming edges."""
        first, *others = self._sums.pop(node)
        return sum(others, start=first)


def _kernels(operation: Operation | None) -> list[tuple[Tensor, ...]]:
    # Unbound once: the gradient of a single edge's slice would be as large as the whole stack.
    if isinstance(operation, StackedConvolution):
        stacks = (operation.normalized(), operation.bias)
        return [stack.unbind() for stack in stacks if stack is not None]
    if isinstance(operation, StackedTransposed):
        return [operation.depthwise.unbind(), operation.pointwise.weight.unbind()]
    return []


def _apply(filling: Filling, kernels: Sequence[Tensor], x: Float[Tensor, "n c h w"]) -> Tensor:
    primitive = filling.primitive
    match primitive.operation:
        case "skip":
            return x
        case "conv":
            kernel, bias = kernels
            rectified = x if filling.kind == "image" else F.relu(x)
            stride = 2 if filling.kind == "down" else 1
            return F.conv2d(rectified, kernel, bias, stride, primitive.padding, primitive.dilation)
        case "nearest":
            kernel, bias = kernels
            return F.conv2d(F.relu(F.interpolate(x, scale_factor=2, mode="nearest")), kernel, bias)
        case "bilinear":
            kernel, bias = kernels
            larger = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            return F.conv2d(F.relu(larger), kernel, bias)
        case "transposed":
            depthwise, pointwise = kernels
            larger = F.conv_transpose2d(
                F.relu(x), depthwise, stride=2, padding=1, output_padding=1, groups=x.shape[1]
            )
            return F.conv2d(larger, pointwise)
        case "avg_pool":
            return F.avg_pool2d(x, 2)
        case "max_pool":
            return F.max_pool2d(x, 2)
    raise AssertionError(primitive.operation)
