"""The scores of candidates at one rung: diverged runs, means, ranking."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TypeGuard

from orchestrator.config.selection import SelectionConfig
from orchestrator.jobs.scores import rank
from orchestrator.selection.result import Candidate, CurveSource, Divergence, Request

LARGEST = 1e100
"""Scores beyond are as good as infinite: their squares would overflow."""


@dataclass(frozen=True)
class CandidateScores:
    """The runs of one candidate at one rung."""

    candidate: Candidate
    scores: Mapping[int, float]
    """Seed -> score of the runs that count."""
    diverged: tuple[Divergence, ...]
    """The runs that diverged at this rung or before."""

    @property
    def runs(self) -> int:
        """The number of runs that were started."""
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
        """The mean score; None if all runs diverged."""
        return fmean(self.values) if self.scores else None


def best_first(candidates: Sequence[CandidateScores], lower_is_better: bool) -> list[CandidateScores]:
    """Sort by mean score; then come those that diverged in more than half of their runs, then the rest."""

    def order(scored: CandidateScores) -> tuple[bool, bool, float, str]:
        by_mean = rank(scored.mean or 0.0, lower_is_better)
        # Equal scores rank by id, so that the order in which candidates were given decides nothing.
        return not scored.is_sound, not scored.scores, by_mean, scored.candidate.genotype

    return sorted(candidates, key=order)


def divergences(scores: Mapping[Request, float | None], config: SelectionConfig) -> dict[Request, Divergence]:
    """Which runs of one rung diverged: without a finite score, or far worse than the rung's median."""
    finite = [score for score in scores.values() if is_finite(score)]
    middle = median(finite) if finite else 0.0
    if len(finite) == 2:  # their mean would be near a collapsed one: the better is the yardstick
        middle = min(finite) if config.lower_is_better else max(finite)
    return {
        request: Divergence(
            seed=request.seed, step=request.step, score=score if is_finite(score) else None, reason=reason
        )
        for request, score in scores.items()
        if (reason := _divergence(score, middle, config))
    }


def has_collapsed(scored: CandidateScores, before: Sequence[float], config: SelectionConfig) -> bool:
    """Whether it diverged, or is far worse than those who went on were at the rung before, as all may be."""
    if not scored.is_sound or scored.mean is None:
        return True
    return bool(before) and bool(_divergence(scored.mean, median(before), config))


def is_finite(score: float | None) -> TypeGuard[float]:
    """Whether there is a score to calculate with."""
    return score is not None and math.isfinite(score) and abs(score) <= LARGEST


def _divergence(score: float | None, middle: float, config: SelectionConfig) -> str:
    """The reason why a run counts as diverged; empty if it does not."""
    if not is_finite(score):
        return "no finite score"
    if config.divergence_multiple is None or middle <= 0:
        return ""
    worse, better = (score, middle) if config.lower_is_better else (middle, score)
    if worse <= config.divergence_multiple * better:
        return ""
    return f"{score:.4g}, more than {config.divergence_multiple:.4g} times worse than the median {middle:.4g}"


@dataclass(frozen=True)
class CandidateRuns:
    """A candidate on its way to a rung, with what the rungs before left of its runs."""

    candidate: Candidate
    alive: tuple[int, ...] = ()
    """Seeds of the runs that continue."""
    trained: int = 0
    """The number of steps of each of them."""
    diverged: tuple[Divergence, ...] = ()

    @property
    def fresh(self) -> tuple[int, ...]:
        """Seeds of runs not yet started."""
        used = {*self.alive, *(divergence.seed for divergence in self.diverged)}
        return tuple(seed for seed in self.candidate.seeds if seed not in used)


class Comparison:
    """The runs of all members at one rung. It grows by training; everything else is computed from it."""

    def __init__(self, members: Sequence[CandidateRuns], step: int, config: SelectionConfig) -> None:
        self.members: Mapping[str, CandidateRuns] = {member.candidate.genotype: member for member in members}
        self.step = step
        self.steps_trained = 0
        self._config = config
        self._scores: dict[str, dict[Request, float | None]] = {genotype: {} for genotype in self.members}

    def train(self, requests: Sequence[Request], source: CurveSource) -> None:
        """Get these scores, and account for what they cost."""
        self.steps_trained += self.cost(requests)
        answers = source.scores(requests)
        for request in requests:
            self._scores[request.genotype][request] = answers[request]

    def cost(self, requests: Sequence[Request]) -> int:
        """Steps that the requests take beyond what their runs were trained already."""
        return sum(self.step - self._trained(request) for request in requests)

    def admit(self, member: CandidateRuns) -> None:
        """Let another one in."""
        self.members = {**self.members, member.candidate.genotype: member}
        self._scores[member.candidate.genotype] = {}

    def to_reach(self, repeats: int, members: Sequence[CandidateRuns] | None = None) -> list[Request]:
        """The requests that bring members to this rung: runs continue, new ones complete the repeats."""
        return [
            Request(member.candidate.genotype, seed, self.step)
            for member in (self.members.values() if members is None else members)
            for seed in (
                *member.alive,
                *member.fresh[: max(repeats - len(member.alive) - len(member.diverged), 0)],
            )
        ]

    def one_more(self, genotype: str) -> Request | None:
        """A further run of a candidate; None if it has no seed left."""
        asked = {request.seed for request in self._scores[genotype]}
        left = [seed for seed in self.members[genotype].fresh if seed not in asked]
        return Request(genotype, left[0], self.step) if left else None

    def ranked(self) -> list[CandidateScores]:
        """The candidates with their scores, best first."""
        everyone = {request: score for scores in self._scores.values() for request, score in scores.items()}
        lost = divergences(everyone, self._config)
        scored = [
            CandidateScores(
                member.candidate,
                {
                    request.seed: score
                    for request, score in self._scores[genotype].items()
                    if request not in lost and score is not None
                },
                member.diverged
                + tuple(lost[request] for request in self._scores[genotype] if request in lost),
            )
            for genotype, member in self.members.items()
        ]
        return best_first(scored, self._config.lower_is_better)

    def _trained(self, request: Request) -> int:
        member = self.members[request.genotype]
        return member.trained if request.seed in member.alive else 0
