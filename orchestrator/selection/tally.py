"""What is known of a candidate at one rung: its scores, its diverged runs, how it ranks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TypeGuard

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.result import Divergence
from orchestrator.selection.source import Candidate, Request

LARGEST = 1e100
"""Scores beyond are as good as infinite: their squares would overflow."""


@dataclass(frozen=True)
class Tally:
    """The runs of one candidate at one rung."""

    candidate: Candidate
    scores: Mapping[int, float]
    """Seed -> score of the runs that count."""
    diverged: tuple[Divergence, ...]
    """At this rung or before."""

    @property
    def runs(self) -> int:
        """All that were started."""
        return len(self.scores) + len(self.diverged)

    @property
    def is_sound(self) -> bool:
        """Whether no more than half of the runs diverged; the others rank behind, whatever they score."""
        return 2 * len(self.diverged) <= self.runs

    @property
    def values(self) -> tuple[float, ...]:
        """The scores, by seed."""
        return tuple(self.scores.values())

    @property
    def mean(self) -> float | None:
        """None if all runs diverged."""
        return fmean(self.values) if self.scores else None


def best_first(tallies: Sequence[Tally], lower_is_better: bool) -> list[Tally]:
    """By mean score; then those that diverged in more than half of their runs; then those without a score."""

    def order(tally: Tally) -> tuple[bool, bool, float, str]:
        mean = tally.mean or 0.0
        # Equal scores rank by id, so that the order in which candidates were given decides nothing.
        signed = mean if lower_is_better else -mean
        return not tally.is_sound, not tally.scores, signed, tally.candidate.genotype

    return sorted(tallies, key=order)


def divergences(scores: Mapping[Request, float | None], config: SelectionConfig) -> dict[Request, Divergence]:
    """Which runs of one rung diverged: without a finite score, or far worse than the rung's median."""
    finite = [score for score in scores.values() if is_finite(score)]
    middle = median(finite) if finite else 0.0
    return {
        request: Divergence(
            seed=request.seed, step=request.step, score=score if is_finite(score) else None, reason=reason
        )
        for request, score in scores.items()
        if (reason := _divergence(score, middle, config))
    }


def is_finite(score: float | None) -> TypeGuard[float]:
    """Whether there is a score to calculate with."""
    return score is not None and math.isfinite(score) and abs(score) <= LARGEST


def _divergence(score: float | None, middle: float, config: SelectionConfig) -> str:
    """Why a run counts as diverged; empty if it does not."""
    if not is_finite(score):
        return "no finite score"
    if config.divergence_multiple is None or middle <= 0:
        return ""
    worse, better = (score, middle) if config.lower_is_better else (middle, score)
    if worse <= config.divergence_multiple * better:
        return ""
    return f"{score:.4g}, more than {config.divergence_multiple:.4g} times worse than the median {middle:.4g}"
