"""What a form of evaluation is.

A form is planned once for a cell's fillings; every forward asks it for a flow. The cell hands the flow each
finished node (`leave`) and asks it for the sum of a node's incoming edges (`arrive`).
"""

from collections.abc import Mapping
from typing import Protocol

from jaxtyping import Float
from torch import Tensor, nn

from search_space.architecture import EdgeWeights
from search_space.filling import Filling
from search_space.stacked import StackedConvolution, StackedTransposed
from search_space.topology import SkipIn

Operation = StackedConvolution | StackedTransposed
Operations = Mapping[Filling, Operation | None]
"""Parameters of every filling of a cell, in order; None where a primitive has none."""

Map = Float[Tensor, "n c h w"]


class Flow(Protocol):
    """Carries node values along the edges of one cell during one forward."""

    def leave(self, node: int, value: Map) -> None:
        """Send a node's final value along its outgoing edges."""

    def receive(self, node: int, skip_in: SkipIn, skip: Map, convolution: nn.Conv2d) -> None:
        """Send a skip from an earlier cell into a node; to be called right before it arrives."""

    def arrive(self, node: int) -> Map:
        """Sum of the incoming edges of a node."""


class Form(Protocol):
    """A plan for the edges of one cell."""

    def flow(self, x: Map, edge_weights: EdgeWeights | None) -> Flow:
        """Begin a forward on an input like x. In training mode this makes a power iteration per norm."""
