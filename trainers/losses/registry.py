"""Every loss by its name; the first is the default."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trainers.losses.hinge import Hinge
from trainers.losses.logistic import Logistic
from trainers.losses.loss import GanLoss
from trainers.losses.mmd import Mmd
from trainers.options import one_of

LOSSES: Mapping[str, type[GanLoss]] = {
    "hinge": Hinge,
    "logistic": Logistic,
    "mmd": Mmd,
}

if TYPE_CHECKING:
    Loss = GanLoss
else:
    Loss = one_of(LOSSES)
"""One of them, with its options."""
