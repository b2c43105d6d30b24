"""What the policy asks for, and of whom: scores of candidates at training steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True)
class Candidate:
    """A genotype that may be chosen."""

    genotype: str
    """Its id, the same in every run of the selection; `curves.genotype_id` makes one of rows."""
    seeds: tuple[int, ...]
    """Of its training runs, in the order in which they are used; no more runs than these."""
    name: str = ""
    """For people; the id where empty."""


class Request(NamedTuple):
    """The score of one training run of a candidate at one step."""

    genotype: str
    seed: int
    step: int
    """Training steps from the start of the run, not since its last score."""


class CurveSource(Protocol):
    """Whoever trains candidates, or recorded how they trained."""

    def scores(self, requests: Sequence[Request]) -> Mapping[Request, float | None]:
        """A score for each request, None for a run that diverged or failed.

        Requests of one rung come together, so that a source can train in parallel. A run's requests come in
        increasing steps: that it continues with the weights it had is the source's business.
        """
