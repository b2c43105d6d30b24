"""Backends: how the edges of a cell are computed. Parameters and results do not depend on the backend.

Imports no torch: configurations name backends.
"""

from typing import Literal

BackendName = Literal["op_by_op", "direct", "frequency", "auto"]
