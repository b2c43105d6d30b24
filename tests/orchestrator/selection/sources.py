"""Learning curves for tests: scripted ones, and a source that remembers what it was asked."""

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.selection.result import Candidate, Request

Curve = Mapping[int, float | None]
"""Step -> score."""


class Scripted:
    """Answers from curves by (genotype, seed); a step without a score is a run that failed."""

    def __init__(self, curves: Mapping[tuple[str, int], Curve]) -> None:
        self._curves = curves
        self.asked: list[list[Request]] = []

    def scores(self, requests: Sequence[Request]) -> dict[Request, float | None]:
        self.asked.append(list(requests))
        return {request: self._curves[request[:2]].get(request.step) for request in requests}


def at_step(step: int, scores: Mapping[str, Sequence[float | None]]) -> Scripted:
    """A source of one step: genotype -> the score of each seed, from 0."""
    return Scripted(
        {
            (genotype, seed): {step: score}
            for genotype, values in scores.items()
            for seed, score in enumerate(values)
        }
    )


def candidates(genotypes: Iterable[str], seeds: int = 1) -> list[Candidate]:
    return [Candidate(genotype, tuple(range(seeds))) for genotype in genotypes]
