"""Trainings that continue one by one instead of rung by rung, and the selection that results."""

from collections.abc import Sequence

from orchestrator.config.selection import SelectionConfig
from orchestrator.jobs.scores import Noise
from orchestrator.selection.policies.explain import (
    choice_reason,
    divergence_reason,
    final_reason,
    ranked_candidate,
)
from orchestrator.selection.policies.halving import ranking_of
from orchestrator.selection.policies.repeats import noise_of
from orchestrator.selection.result import (
    Candidate,
    CurveSource,
    Request,
    Rung,
    Selection,
)
from orchestrator.selection.rung import CandidateScores, best_first, divergences, has_collapsed


class Trainings:
    """One run of each candidate, and how far it is trained. All other values are computed from it."""

    def __init__(self, candidates: Sequence[Candidate], source: CurveSource, config: SelectionConfig) -> None:
        # By id, so that the order in which candidates were given decides nothing.
        self.candidates = {each.genotype: each for each in sorted(candidates, key=lambda each: each.genotype)}
        self.config = config
        self.spent = 0
        self._source = source
        self._scores: list[dict[str, float | None]] = [{} for _ in config.steps]
        self._reached = dict.fromkeys(self.candidates, -1)
        self._ranked: dict[int, list[CandidateScores]] = {}
        self._sound: dict[int, list[str]] = {}

    @property
    def last(self) -> int:
        """Index of the last rung."""
        return len(self.config.steps) - 1

    def reached(self, genotype: str) -> int:
        """Index of the last rung with a score; -1 of a candidate that was not trained."""
        return self._reached[genotype]

    def price(self, genotype: str, rung: int | None = None) -> int:
        """Steps to a rung; to the next one unless given."""
        at = self.reached(genotype)
        before = self.config.steps[at] if at >= 0 else 0
        return self.config.steps[at + 1 if rung is None else rung] - before

    def advance(self, genotypes: Sequence[str]) -> None:
        """Train each of them to its next rung."""
        self.spent += sum(map(self.price, genotypes))
        requests = {
            genotype: Request(
                genotype, self.candidates[genotype].seeds[0], self.config.steps[self.reached(genotype) + 1]
            )
            for genotype in genotypes
        }
        answers = self._source.scores(list(requests.values()))
        for genotype, request in requests.items():
            rung = self.config.steps.index(request.step)
            self._scores[rung][genotype] = answers[request]
            self._reached[genotype] = rung
            self._ranked.pop(rung, None)
            self._sound.pop(rung, None)

    def ranked(self, rung: int) -> list[CandidateScores]:
        """All who were scored at a rung, best first; those that diverged there at the end."""
        if rung not in self._ranked:
            self._ranked[rung] = self._rank(rung)
        return self._ranked[rung]

    def _rank(self, rung: int) -> list[CandidateScores]:
        requests = {
            Request(genotype, self.candidates[genotype].seeds[0], self.config.steps[rung]): score
            for genotype, score in self._scores[rung].items()
        }
        lost = divergences(requests, self.config)
        scored = [
            CandidateScores(
                self.candidates[request.genotype],
                {} if request in lost or score is None else {request.seed: score},
                (lost[request],) if request in lost else (),
            )
            for request, score in requests.items()
        ]
        return best_first(scored, self.config.lower_is_better)

    def sound(self, rung: int) -> list[str]:
        """The genotypes that did not diverge at a rung, best first."""
        if rung not in self._sound:
            ranked = self.ranked(rung)
            self._sound[rung] = [each.candidate.genotype for each in ranked if each.is_sound]
        return self._sound[rung]

    def finished(self) -> list[str]:
        """The genotypes that reached the end and did not collapse on the way, best first."""
        before = (
            [each.mean for each in self.ranked(self.last - 1) if each.mean is not None] if self.last else []
        )
        ends = self.ranked(self.last)
        return [each.candidate.genotype for each in ends if not has_collapsed(each, before, self.config)]

    def lost(self) -> set[str]:
        """The genotypes that diverged at the last rung that was reached."""
        return {
            each.candidate.genotype
            for rung in range(self.last + 1)
            for each in self.ranked(rung)
            if not each.is_sound and self.reached(each.candidate.genotype) == rung
        }

    def stopped(self, rung: int) -> list[str]:
        """The genotypes that could continue from a rung and have not, best first."""
        return [genotype for genotype in self.sound(rung) if self.reached(genotype) == rung]

    def finish(self) -> None:
        """Bring the best of those who came furthest to the end until `min_keep` have a sound score there."""
        budget = self.config.budget
        while len(self.finished()) < self.config.min_keep:
            left = [genotype for rung in range(self.last)[::-1] for genotype in self.stopped(rung)]
            if budget is not None:
                left = [each for each in left if self.spent + self.price(each, self.last) <= budget]
            if not left:
                return
            while 0 <= self.reached(left[0]) < self.last and left[0] in self.stopped(self.reached(left[0])):
                self.advance(left[:1])

    def reserve(self, besides: Sequence[str] = ()) -> int:
        """Steps to finish as many as should, by those who came furthest; `besides` go to their next rung."""
        missing = self.config.min_keep - len(self.finished())
        prices = sorted(
            self.price(genotype, self.last) - (self.price(genotype) if genotype in besides else 0)
            for rung in range(self.last)
            for genotype in self.stopped(rung)
        )
        return sum(prices[: max(missing, 0)])

    def affords(self, genotypes: Sequence[str]) -> bool:
        """Whether these may go one rung further, and enough is left to finish as many as should."""
        if self.config.budget is None:
            return True
        price = sum(map(self.price, genotypes))
        return self.spent + price + self.reserve(genotypes) <= self.config.budget

    def selection(self) -> Selection:
        """The selection that results from these trainings."""
        rungs = [self._rung(rung) for rung, scores in enumerate(self._scores) if scores]
        ranked = self.ranked(len(rungs) - 1)
        finished = len(rungs) == len(self.config.steps) and bool(ranked[0].scores)
        return Selection(
            config=self.config,
            rungs=tuple(rungs),
            ranking=ranking_of(rungs),
            choice=ranked[0].candidate.genotype if finished else None,
            reason=choice_reason(ranked, noise_of(ranked), self.config)
            if finished
            else f"nothing chosen, as nobody of {len(self.candidates):,} reached the last rung with a score",
        )

    def _rung(self, rung: int) -> Rung:
        ranked = self.ranked(rung)
        noise = noise_of(ranked)
        before = self.config.steps[rung - 1] if rung else 0
        return Rung(
            step=self.config.steps[rung],
            standings=tuple(
                ranked_candidate(
                    scored,
                    self.config.steps[rung],
                    place,
                    kept=self._went_on(scored, rung),
                    reason=self._reason(ranked, place, rung, noise),
                )
                for place, scored in enumerate(ranked)
            ),
            noise=noise,
            repeats=0,
            note="",
            steps_trained=len(ranked) * (self.config.steps[rung] - before),
        )

    def _went_on(self, scored: CandidateScores, rung: int) -> bool:
        return bool(scored.scores) if rung == self.last else self.reached(scored.candidate.genotype) > rung

    def _reason(self, ranked: Sequence[CandidateScores], place: int, rung: int, noise: Noise) -> str:
        scored = ranked[place]
        if rung == self.last:
            return final_reason(ranked, place, noise, self.config)
        if self._went_on(scored, rung):
            return "trained further"
        return "not trained further" if scored.is_sound else divergence_reason(scored)
