"""The trainings that a selection still takes: its policy is run on the known scores and made-up ones."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import fmean, median, pstdev

import numpy as np

from orchestrator.selection.result import CurveSource, Request
from orchestrator.selection.rung import is_finite

Known = Mapping[Request, float | None]
"""Scores by request; None for a run that diverged."""

AGREEMENT = 0.6
"""Assumed correlation of a new run's score with what is known of its genotype."""
DRIFT = 0.3
"""Assumed deviation of a run's place from one rung to the next, where 1 is the deviation over candidates."""
DRAWS = 5
"""Number of simulated selections."""


@dataclass(frozen=True)
class Remaining:
    """The trainings that are left."""

    steps: int
    trainings: int
    """The number of times that a run is trained to a rung; each ends with a score."""


def forecast(choose: Callable[[CurveSource], object], known: Known, draws: int = DRAWS) -> Remaining:
    """The median of several simulated selections that begin with the known scores."""
    found = []
    for seed in range(draws):
        source = _MadeUp(known, seed)
        choose(source)
        found.append(source.remaining)
    return Remaining(
        ceil(median(each.steps for each in found)), ceil(median(each.trainings for each in found))
    )


def spending(budget: int, known: Known, steps: Sequence[int]) -> Remaining:
    """The trainings that are left of a policy that trains until its budget is spent."""
    reached: dict[tuple[str, int], int] = defaultdict(int)
    for genotype, seed, step in known:
        reached[genotype, seed] = max(reached[genotype, seed], step)
    left = max(budget - sum(reached.values()), 0)
    later = [after - before for before, after in zip((0, *steps), steps, strict=False)][1:] or [steps[0]]
    return Remaining(left, ceil(left / fmean(later)))


@dataclass
class _MadeUp:
    """A source that knows some scores and draws the others."""

    known: Known
    seed: int
    asked: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)
        self._places = self._places_known()
        self._runs: dict[tuple[str, int], float] = {}
        for (genotype, seed, _), place in sorted(self._places.items(), key=lambda each: each[0].step):
            self._runs[genotype, seed] = place
        self._genotypes: dict[str, float] = {}
        self._answers: dict[Request, float | None] = dict(self.known)

    def scores(self, requests: Sequence[Request]) -> Mapping[Request, float | None]:
        """The known scores, and plausible ones."""
        for request in requests:
            if request not in self._answers:
                self.asked.append(request)
                self._answers[request] = self._drawn(request)
        return {request: self._answers[request] for request in requests}

    @property
    def remaining(self) -> Remaining:
        """The cost of the requests for unknown scores."""
        steps = 0
        for request in self.asked:
            earlier = [
                each.step for each in self._answers if each[:2] == request[:2] and each.step < request.step
            ]
            steps += request.step - max(earlier, default=0)
        return Remaining(steps, len(self.asked))

    def _drawn(self, request: Request) -> float:
        run = request[:2]
        if run in self._runs:
            place = self._runs[run] + DRIFT * self._random.standard_normal()
        else:
            own = (1 - AGREEMENT**2) ** 0.5 * self._random.standard_normal()
            place = AGREEMENT * self._genotype(request.genotype) + own
        self._runs[run] = place
        centre, deviation = self._scale(request.step)
        return float(centre + deviation * place)

    def _genotype(self, genotype: str) -> float:
        if genotype not in self._genotypes:
            known = [place for (id, _), place in self._runs.items() if id == genotype]
            self._genotypes[genotype] = fmean(known) if known else float(self._random.standard_normal())
        return self._genotypes[genotype]

    def _places_known(self) -> dict[Request, float]:
        """Deviations from the mean of a step's scores."""
        self._scales: dict[int, tuple[float, float]] = {}
        by_step: dict[int, dict[Request, float]] = defaultdict(dict)
        for request, score in self.known.items():
            if is_finite(score):
                by_step[request.step][request] = score
        places: dict[Request, float] = {}
        for step, scores in by_step.items():
            middle = median(scores.values())
            near = [score for score in scores.values() if abs(score) <= 3 * abs(middle)] or [middle]
            centre, deviation = fmean(near), pstdev(near) or 0.1 * abs(middle) or 1.0
            self._scales[step] = centre, deviation
            places |= {request: (score - centre) / deviation for request, score in scores.items()}
        return places

    def _scale(self, step: int) -> tuple[float, float]:
        """Mean and deviation at a step, or at the newest step with scores."""
        if not self._scales:
            return 100.0, 10.0
        return self._scales.get(step) or self._scales[max(self._scales)]
