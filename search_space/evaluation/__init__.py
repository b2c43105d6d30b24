"""Forms of evaluation: how the edges of a cell are computed. Parameters and results do not depend on it.

A form is planned once for a cell's fillings; every forward asks it for a flow. The cell hands the flow
each finished node (`leave`) and asks it for the sum of a node's incoming edges (`arrive`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from torch import Tensor, nn

from search_space.architecture import EdgeWeights
from search_space.evaluation.direct import DirectForm
from search_space.evaluation.frequency import FrequencyForm
from search_space.evaluation.reference import ReferenceForm
from search_space.filling import Filling
from search_space.topology import SkipIn


class Flow(Protocol):
    """Carries node values along the edges of one cell during one forward."""

    def leave(self, node: int, value: Tensor) -> None:
        """Send a node's final value [n, c, h, w] along its outgoing edges."""

    def receive(self, node: int, skip_in: SkipIn, skip: Tensor, convolution: nn.Conv2d) -> None:
        """Send a skip from an earlier cell into a node; to be called right before it arrives."""

    def arrive(self, node: int) -> Tensor:
        """Sum of the incoming edges of a node."""


class Form(Protocol):
    """A plan for the edges of one cell."""

    def flow(self, edge_weights: EdgeWeights | None) -> Flow:
        """Begin a forward. In training mode this makes one power iteration of every spectral norm."""


FormName = Literal["reference", "direct", "frequency"]

FORMS: Mapping[FormName, Callable[[Sequence[Filling], Sequence[nn.Module | None]], Form]] = {
    "reference": ReferenceForm,
    "direct": DirectForm,
    "frequency": FrequencyForm,
}
