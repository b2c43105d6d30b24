"""Forms of evaluation: how the edges of a cell are computed. Parameters and results do not depend on it."""

from collections.abc import Callable, Mapping
from typing import Literal

from search_space.backends.auto import AutoBackend
from search_space.backends.backend import Backend, Flow, Operations
from search_space.backends.direct import DirectBackend
from search_space.backends.frequency import FrequencyBackend
from search_space.backends.op_by_op import OpByOpBackend

__all__ = ["BACKENDS", "Backend", "BackendName", "Flow"]

BackendName = Literal["reference", "direct", "frequency", "auto"]

BACKENDS: Mapping[BackendName, Callable[[Operations], Backend]] = {
    "reference": OpByOpBackend,
    "direct": DirectBackend,
    "frequency": FrequencyBackend,
    "auto": AutoBackend,
}
