"""The values that a policy exchanges: candidates, scores at training steps, and the selection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from orchestrator.config.selection import SelectionConfig
from orchestrator.jobs.scores import Noise
from search_space.errors import UserError
from search_space.frozen import Frozen


class SelectionError(UserError):
    """Candidates or limits with which there is nothing to select."""


@dataclass(frozen=True)
class Candidate:
    """A genotype that may be chosen."""

    genotype: str
    """Its id, the same in every run of the selection; `curves.genotype_id` makes one of rows."""
    seeds: tuple[int, ...]
    """Seeds of the candidate's training runs, in the order in which they are used; there are no more runs."""
    name: str = ""
    """The name that is shown; the id if empty."""


class Request(NamedTuple):
    """The score of one training run of a candidate at one step."""

    genotype: str
    seed: int
    step: int
    """Training steps from the start of the run, not since its last score."""


class CurveSource(Protocol):
    """A source of scores: it trains candidates, or has recorded their training."""

    def scores(self, requests: Sequence[Request]) -> Mapping[Request, float | None]:
        """A score for each request, None for a run that diverged or failed.

        Requests of one rung come together, so that a source can train in parallel. A run's requests come in
        increasing steps: that it continues with the weights it had is the source's business.
        """


class Divergence(Frozen):
    """A run that is not trained further."""

    seed: int
    step: int
    score: float | None
    """The score; None if it was not finite."""
    reason: str


class RankedCandidate(Frozen):
    """One candidate at one rung."""

    genotype: str
    name: str
    step: int
    place: int
    """The place among those at this rung, from 1 for the best."""
    seeds: tuple[int, ...]
    """Seeds of the runs that count, in the order of `scores`."""
    scores: tuple[float, ...]
    diverged: tuple[Divergence, ...]
    """Runs of this candidate that diverged here or at earlier rungs."""
    mean: float | None
    """The mean of the scores; None if all runs diverged."""
    deviation: float | None
    """Standard deviation of the scores over seeds; None for fewer than two."""
    kept: bool
    """Whether the candidate continues to the next rung or, at the last one, may be chosen."""
    reason: str
    """The reason why it was kept or not, in a few words."""

    @property
    def runs(self) -> int:
        """All training runs so far, diverged ones included."""
        return len(self.scores) + len(self.diverged)

    @property
    def is_sound(self) -> bool:
        """Whether no more than half of its runs diverged."""
        return 2 * len(self.diverged) <= self.runs


class Rung(Frozen):
    """One comparison."""

    step: int
    standings: tuple[RankedCandidate, ...]
    """All candidates at this rung, best first."""
    noise: Noise
    repeats: int
    """Runs added because candidates were within noise."""
    note: str
    """A note about the repeats; empty if there is nothing to say."""
    steps_trained: int
    """Steps in all runs together, from the previous rung to this one."""

    @property
    def kept(self) -> tuple[RankedCandidate, ...]:
        """The candidates that continue, best first."""
        return tuple(ranked for ranked in self.standings if ranked.kept)


class Selection(Frozen):
    """The outcome of a policy."""

    config: SelectionConfig
    rungs: tuple[Rung, ...]
    """The rungs that were reached: fewer than configured if all candidates diverged."""
    ranking: tuple[RankedCandidate, ...]
    """Every candidate in its last place: those that came further first, then by score; diverged ones last."""
    choice: str | None
    """Genotype id; None if everyone diverged."""
    reason: str
    """The choice and why, in one sentence."""

    @property
    def best_run(self) -> Request | None:
        """The best of the runs that were trained to the last rung; runs of diverged candidates count only if
        there are no others. None if there is none. The choice is the best architecture by its mean, this its
        luckiest run.
        """
        finished = [each for each in self.ranking if each.scores and each.step == self.config.steps[-1]]
        sign = 1 if self.config.lower_is_better else -1
        runs = [
            (not each.is_sound, sign * score, place, Request(each.genotype, seed, each.step))
            for place, each in enumerate(finished)
            for seed, score in zip(each.seeds, each.scores, strict=True)
        ]
        return min(runs)[-1] if runs else None

    @property
    def fewest_runs(self) -> int:
        """The fewest runs of a candidate at the last rung that was reached; 0 if all candidates diverged."""
        return min((len(each.scores) for each in self.rungs[-1].standings if each.scores), default=0)

    @property
    def steps_trained(self) -> int:
        """The cost: training steps in all runs together, those of diverged runs up to their last rung."""
        return sum(rung.steps_trained for rung in self.rungs)


def to_rows(selection: Selection) -> list[dict[str, Any]]:
    """One row for each candidate at each rung, with the place it took in the end."""
    final = {ranked.genotype: place for place, ranked in enumerate(selection.ranking, start=1)}
    return [
        {
            "genotype": ranked.genotype,
            "name": ranked.name,
            "step": ranked.step,
            "place": ranked.place,
            "mean": ranked.mean,
            "deviation": ranked.deviation,
            "runs": ranked.runs,
            "diverged": len(ranked.diverged),
            "seeds": list(ranked.seeds),
            "scores": list(ranked.scores),
            "kept": ranked.kept,
            "reason": ranked.reason,
            "final_place": final[ranked.genotype],
            "chosen": ranked.genotype == selection.choice,
        }
        for rung in selection.rungs
        for ranked in rung.standings
    ]
