"""The policies by name."""

from collections.abc import Mapping

from orchestrator.selection.policies.asha import ASHA
from orchestrator.selection.policies.freeze_thaw import FREEZE_THAW
from orchestrator.selection.policies.full import FULL
from orchestrator.selection.policies.halving import HALVING
from orchestrator.selection.policies.policy import Policy
from orchestrator.selection.policies.random_share import RANDOM

POLICIES: Mapping[str, Policy] = {
    "halving": HALVING,
    "asha": ASHA,
    "random": RANDOM,
    "full": FULL,
    "freeze_thaw": FREEZE_THAW,
}
