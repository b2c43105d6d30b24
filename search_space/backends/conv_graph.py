"""Which maps are convolved into which sums, with tensors left out.

Shapes: maps are planes [h, w, n, c], i channels of a source.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from search_space.backends.memory_layout import workspace

T = TypeVar("T")


@dataclass(frozen=True)
class Connection:
    """A convolution of one source into one target; a target is the sum of its connections."""

    source: int
    target: int
    offsets: tuple[int, ...]
    """The positions of the kernel's taps, along both axes."""


@dataclass(frozen=True)
class ConvGraph:
    """Connections between sources and targets, all of one size and stride."""

    connections: tuple[Connection, ...]
    rectified: tuple[bool, ...]
    """Whether ReLU precedes the convolutions, per source."""
    folded: bool
    """Stride 2: the pixels of 2x2 squares become channels of maps of half the size."""

    @property
    def sources(self) -> int:
        """Their number."""
        return len(self.rectified)

    @property
    def targets(self) -> int:
        """Their number."""
        return 1 + max(connection.target for connection in self.connections)

    def out_of(self, source: int) -> list[tuple[int, Connection]]:
        """Connections of a source, with their positions."""
        return [(k, c) for k, c in enumerate(self.connections) if c.source == source]

    def into(self, target: int) -> list[tuple[int, Connection]]:
        """Connections of a target, with their positions."""
        return [(k, c) for k, c in enumerate(self.connections) if c.target == target]

    def split(self, values: Sequence[T]) -> tuple[Sequence[T], Sequence[T], Sequence[T]]:
        """The parts of a list for sources, for the connections' kernels, and for their biases."""
        second = self.sources + len(self.connections)
        return values[: self.sources], values[self.sources : second], values[second:]

    def read(self, source: int, planes: Float[Tensor, "h w n i"]) -> Float[Tensor, "h2 w2 n i2"]:
        """The input that the convolutions see of a source, in workspace memory."""
        if self.folded:
            seen = fold(planes)
            return seen.relu_() if self.rectified[source] else seen
        if not self.rectified[source]:
            return planes
        return torch.clamp_min(planes, 0, out=workspace("seen", planes.shape, planes))

    def unread(
        self, source: int, gradient: Float[Tensor, "h2 w2 n i2"], planes: Float[Tensor, "h w n i"]
    ) -> Float[Tensor, "h w n i"]:
        """Gradient of a source, from that of what the convolutions saw of it, which is overwritten."""
        gradient = unfold(gradient) if self.folded else gradient
        if not self.rectified[source]:
            return gradient
        return torch.ops.aten.threshold_backward.grad_input(gradient, planes, 0, grad_input=gradient)


def fold(planes: Float[Tensor, "h w n i"]) -> Float[Tensor, "h2 w2 n i4"]:
    """2x2 squares as channels in the order (row, column, channel), in workspace memory."""
    h, w, n, i = planes.shape
    folded = workspace("seen", (h // 2, w // 2, n, 4 * i), planes)
    folded.view(h // 2, w // 2, n, 2, 2, i).copy_(
        planes.view(h // 2, 2, w // 2, 2, n, i).permute(0, 2, 4, 1, 3, 5)
    )
    return folded


def unfold(planes: Float[Tensor, "h2 w2 n i4"]) -> Float[Tensor, "h w n i"]:
    """Inverse of `fold`, in new memory."""
    return planes.unflatten(3, (2, 2, -1)).permute(0, 3, 1, 4, 2, 5).flatten(2, 3).flatten(0, 1)
