"""The backends by name, and the one that takes the fastest of them for the input at hand."""

from collections.abc import Callable, Mapping

from search_space.architecture import EdgeWeights
from search_space.backends import BackendName
from search_space.backends.backend import Backend, Flow, Map, Operations
from search_space.backends.direct import DirectBackend
from search_space.backends.frequency import FrequencyBackend
from search_space.backends.op_by_op import OpByOpBackend
from search_space.stacked import StackedTransposed

FREQUENCY_FROM = 128
"""Batch times channels of a cell from which `frequency` is the faster one on a CPU.

Measured on one core (AVX2), milliseconds of one cell forward and backward, direct / frequency; n images, c
channels, maps of size s. G's cells: n8 c8 s8 11/11, n16 c8 s32 46/36, n32 c4 s32 50/36, n16 c32 s32 423/175,
n32 c64 s16 710/221. D's cells: n8 c8 s4 8/12, n16 c4 s16 17/18, n16 c16 s4 14/14, n16 c16 s16 46/33,
n4 c32 s4 21/19, n32 c64 s4 106/51, n32 c32 s32 420/317. The size of maps hardly matters. On GPUs the
`frequency` was never measured.
"""


class AutoBackend:
    """Frequency for supernets on CPUs, if there is enough to do; direct for everything else.

    A derived network has one operation an edge: there is nothing to mix, and its kernels are small.
    """

    def __init__(self, operations: Operations) -> None:
        self._direct, self._frequency = DirectBackend(operations), FrequencyBackend(operations)
        stacks = (o.pointwise if isinstance(o, StackedTransposed) else o for o in operations.values() if o)
        self._channels = max((stack.weight.shape[1] for stack in stacks), default=0)

    def flow(self, x: Map, edge_weights: EdgeWeights | None) -> Flow:
        """Begin a forward."""
        mixes = edge_weights is not None and len(x) * self._channels >= FREQUENCY_FROM
        backend = self._frequency if mixes and x.device.type == "cpu" else self._direct
        return backend.flow(x, edge_weights)


BACKENDS: Mapping[BackendName, Callable[[Operations], Backend]] = {
    "op_by_op": OpByOpBackend,
    "direct": DirectBackend,
    "frequency": FrequencyBackend,
    "auto": AutoBackend,
}
