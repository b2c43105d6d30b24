"""One forward of a cell whose convolutions are mixed; how they are convolved is the form's affair.

Shapes: maps in either order of `maps`.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from search_space.backends.additions import add_pool, add_resized, add_scaled, pool
from search_space.backends.memory import MemoryLayout, as_nchw, ordered
from search_space.backends.op_groups import Addition, ConvolutionGroup, UpsamplingGroup
from search_space.backends.upsampling import Maps
from search_space.topology import SkipIn


class Convolver(Protocol):
    """Computes the convolutions of a cell."""

    order: MemoryLayout

    def push(self, node: int, maps: Maps) -> None:
        """Take a node's value."""

    def pull(self, node: int) -> Maps | None:
        """Sum of all convolutions into a node, which the caller may overwrite; None where there are none."""


class MixedFlow:
    """Adds to the convolutions of a cell what is none."""

    def __init__(
        self, convolver: Convolver, held: Sequence[ConvolutionGroup], upsampling: Sequence[UpsamplingGroup]
    ) -> None:
        self._convolver, self._held, self._upsampling = convolver, held, upsampling
        self._values: dict[int, Maps] = {}
        self._arrived: dict[int, Maps] = {}
        self._skips: defaultdict[int, list[tuple[SkipIn, Maps]]] = defaultdict(list)

    def push(self, node: int, value: Float[Tensor, "n c h w"]) -> None:
        """Send a node's final value along its outgoing edges."""
        maps = self._values[node] = ordered(value, self._convolver.order)
        self._convolver.push(node, maps)
        for held in self._upsampling:
            if held.ops.edges[0].source == node:
                outputs = held.outputs(maps, self._convolver.order)
                for edge, output in zip(held.ops.edges, outputs, strict=True):
                    self._add(edge.target, output)

    def push_skip(
        self, node: int, skip_in: SkipIn, skip: Float[Tensor, "n c h w"], convolution: nn.Conv2d
    ) -> None:
        """Send a skip from an earlier cell into a node; to be called before it arrives."""
        # The released code resizes first; a 1x1 convolution commutes with resizing and is cheaper before it.
        maps = ordered(skip, self._convolver.order)
        self._skips[node].append((skip_in, F.linear(maps, convolution.weight.flatten(1), convolution.bias)))

    def pull(self, node: int) -> Float[Tensor, "n c h w"]:
        """Sum of the incoming edges."""
        if (convolved := self._convolver.pull(node)) is not None:
            self._add(node, convolved)
        for held in self._held:
            for edge in held.ops.edges:
                if edge.target == node:
                    for operation, weight in held.additions(edge):
                        self._add_plain(node, self._values[edge.source], operation, weight)
        total = self._arrived.pop(node)
        for skip_in, maps in self._skips.pop(node, ()):
            total = add_resized(total, maps, skip_in.resize, self._convolver.order)
        return as_nchw(total, self._convolver.order)

    def _add_plain(self, node: int, x: Maps, operation: Addition, weight: Tensor | None) -> None:
        order = self._convolver.order
        if weight is None or node not in self._arrived:
            # A copy: what has arrived may be overwritten, the node must not be.
            value = x.clone() if operation == "skip" else pool(x, operation, order)
            self._add(node, value if weight is None else value * weight)
        elif operation == "skip":
            self._arrived[node] = add_scaled(self._arrived[node], x, weight)
        else:
            self._arrived[node] = add_pool(self._arrived[node], x, weight, operation, order)

    def _add(self, node: int, value: Maps) -> None:
        self._arrived[node] = self._arrived[node].add_(value) if node in self._arrived else value
