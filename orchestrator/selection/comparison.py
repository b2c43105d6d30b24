"""One rung while it is being compared: whose runs are trained, what they scored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.result import Divergence
from orchestrator.selection.source import Candidate, CurveSource, Request
from orchestrator.selection.tally import Tally, best_first, divergences


@dataclass(frozen=True)
class Entrant:
    """A candidate on its way to a rung, with what the rungs before left of its runs."""

    candidate: Candidate
    alive: tuple[int, ...] = ()
    """Seeds of the runs that go on."""
    trained: int = 0
    """Steps of each of them."""
    diverged: tuple[Divergence, ...] = ()

    @property
    def fresh(self) -> tuple[int, ...]:
        """Seeds of runs not yet started."""
        used = {*self.alive, *(divergence.seed for divergence in self.diverged)}
        return tuple(seed for seed in self.candidate.seeds if seed not in used)


class Comparison:
    """The runs of all entrants at one rung. It grows by training; everything else is computed from it."""

    def __init__(self, entrants: Sequence[Entrant], step: int, config: SelectionConfig) -> None:
        self.entrants: Mapping[str, Entrant] = {entrant.candidate.genotype: entrant for entrant in entrants}
        self.step = step
        self.steps_trained = 0
        self._config = config
        self._scores: dict[str, dict[Request, float | None]] = {genotype: {} for genotype in self.entrants}

    def train(self, requests: Sequence[Request], source: CurveSource) -> None:
        """Get these scores, and account for what they cost."""
        self.steps_trained += self.cost(requests)
        answers = source.scores(requests)
        for request in requests:
            self._scores[request.genotype][request] = answers[request]

    def cost(self, requests: Sequence[Request]) -> int:
        """Steps that the requests take beyond what their runs were trained already."""
        return sum(self.step - self._trained(request) for request in requests)

    def to_reach(self, repeats: int) -> list[Request]:
        """What brings every entrant here: its runs go on, and new ones make up the number of repeats."""
        return [
            Request(entrant.candidate.genotype, seed, self.step)
            for entrant in self.entrants.values()
            for seed in (
                *entrant.alive,
                *entrant.fresh[: max(repeats - len(entrant.alive) - len(entrant.diverged), 0)],
            )
        ]

    def one_more(self, genotype: str) -> Request | None:
        """A further run of a candidate; None if it has no seed left."""
        asked = {request.seed for request in self._scores[genotype]}
        left = [seed for seed in self.entrants[genotype].fresh if seed not in asked]
        return Request(genotype, left[0], self.step) if left else None

    def tallies(self) -> list[Tally]:
        """How the candidates stand, best first."""
        everyone = {request: score for scores in self._scores.values() for request, score in scores.items()}
        lost = divergences(everyone, self._config)
        tallies = [
            Tally(
                entrant.candidate,
                {
                    request.seed: score
                    for request, score in self._scores[genotype].items()
                    if request not in lost and score is not None
                },
                entrant.diverged
                + tuple(lost[request] for request in self._scores[genotype] if request in lost),
            )
            for genotype, entrant in self.entrants.items()
        ]
        return best_first(tallies, self._config.lower_is_better)

    def _trained(self, request: Request) -> int:
        entrant = self.entrants[request.genotype]
        return entrant.trained if request.seed in entrant.alive else 0
