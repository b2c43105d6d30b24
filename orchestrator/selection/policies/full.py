"""The policy `full`: every candidate is trained to the end. Other policies cost less, and none is better."""

from collections.abc import Sequence

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policies.halving import halve
from orchestrator.selection.policies.policy import Policy
from orchestrator.selection.result import Candidate, CurveSource, Selection


def train_all(candidates: Sequence[Candidate], source: CurveSource, config: SelectionConfig) -> Selection:
    """Compare all candidates at the last rung alone."""
    only_last = {
        "rungs": config.steps[-1:],
        "repeats": config.repeats[-1:],
        "max_repeats": config.max_repeats[-1:],
    }
    return halve(candidates, source, config.model_copy(update=only_last))


FULL = Policy(train_all, rungs=(1.0,))
