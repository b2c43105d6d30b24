"""How good a checkpoint of a retraining is: by its score in the first metric of the evaluation."""

from math import isfinite
from typing import NamedTuple

from orchestrator.checkpoints.store import CheckpointMeta
from trainers.metrics.config import MetricName
from trainers.metrics.specs import FAMILIES, lower_is_better


class Score(NamedTuple):
    """The value that decides."""

    name: str
    """As reported: fid, fd_digits, is_mean, ..."""
    value: float
    rank: float
    """The lower the better."""


def score(meta: CheckpointMeta, metric: MetricName) -> Score | None:
    """The checkpoint's score; None if it was not evaluated or its score is not a number."""
    if not meta.protocol:
        return None
    name = FAMILIES[metric].names(meta.protocol["extractor"])[0]
    value = meta.metrics.get(name)
    if value is None or not isfinite(value):
        return None
    return Score(name, value, value if lower_is_better(name) else -value)
