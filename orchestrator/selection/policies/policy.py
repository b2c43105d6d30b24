"""The interface of a policy: it receives scores, asks for trainings and returns a choice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.result import Candidate, CurveSource, Selection


class Choose(Protocol):
    """Asks for scores and chooses.

    It is a function of the scores alone: asked again with a source that remembers what it answered
    (`journal.Remembered`), it returns to where it stopped. The configuration is settled, its budget in steps.
    """

    def __call__(
        self, candidates: Sequence[Candidate], source: CurveSource, config: SelectionConfig
    ) -> Selection:
        """Compare the candidates and choose one."""


@dataclass(frozen=True)
class Policy:
    """A policy, with the defaults that suit it."""

    choose: Choose
    rungs: tuple[float, ...]
    """Shares of the training."""
    keep: tuple[float, ...] | None = None
    """The share or number of candidates that continue from each of these rungs."""
    budget: float | None = None
    """Share of training everyone to the end."""
    cuts: bool = False
    """Whether the order at a rung alone decides who is dropped: one that ranks nothing does harm there."""
    spends_budget: bool = False
    """Whether trainings go on until the budget is spent."""
