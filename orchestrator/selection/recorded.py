"""A source of learning curves that answers from a table instead of training."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int64

from orchestrator.selection.curves import Curves, short_name
from orchestrator.selection.source import Candidate, Request
from orchestrator.selection.steps import comparable_steps
from orchestrator.selection.table import TableError

SHOWN = 20
"""Steps that a message lists, at most."""


class RecordedCurves:
    """Runs of a table that can be compared at the given steps.

    A run that ends before a step has failed there. A run that goes on but has no score at one of the steps is
    left out, unless it diverged.

    Raises:
        TableError: a step that is not recorded, or by less than half of the runs that go on.
    """

    def __init__(self, curves: Curves, steps: Sequence[int]) -> None:
        _check(curves, steps)
        usable = ~_has_gap(curves, steps)
        self.candidates = _candidates(curves, usable)
        """The genotypes with their recorded seeds."""
        if not self.candidates:
            raise TableError(
                f"rungs: no run has a score at each of {_listed(np.array(steps))}; choose others"
            )
        self.left_out = int((~usable).sum())
        """Runs with gaps."""
        here = np.flatnonzero(np.isin(curves.step, steps))
        self._scores: Mapping[Request, float] = {
            Request(curves.genotypes[genotype], seed, step): score
            for genotype, seed, step, score in zip(
                curves.genotype[here].tolist(),
                curves.seed[here].tolist(),
                curves.step[here].tolist(),
                curves.score[here].tolist(),
                strict=True,
            )
        }

    def scores(self, requests: Sequence[Request]) -> Mapping[Request, float | None]:
        """The recorded scores; None where a run had ended or diverged."""
        return {request: self._scores.get(request) for request in requests}


def _check(curves: Curves, steps: Sequence[int]) -> None:
    comparable = comparable_steps(curves)
    for step in steps:
        if step not in comparable:
            runs = int((curves.step == step).sum())
            found = f"is recorded in {runs} of {curves.runs} runs only" if runs else "is not recorded"
            raise TableError(f"rungs: step {step} {found}; recorded steps: {_listed(comparable)}")


def _listed(steps: Int64[np.ndarray, " s"]) -> str:
    texts = [str(step) for step in steps]
    if len(texts) > SHOWN:
        texts = [*texts[: SHOWN - 5], f"... ({len(texts)} in all)", *texts[-4:]]
    return ", ".join(texts)


def _has_gap(curves: Curves, steps: Sequence[int]) -> Bool[np.ndarray, " R"]:
    """Runs that lack the score of a step although they have later ones, and never diverged."""
    expected = np.searchsorted(np.sort(steps), curves.step[curves.ends], side="right")
    recorded = np.bincount(curves.run[np.isin(curves.step, steps)], minlength=curves.runs)
    diverged = np.bincount(curves.run[np.isnan(curves.score)], minlength=curves.runs)
    return (recorded < expected) & (diverged == 0)


def _candidates(curves: Curves, usable: Bool[np.ndarray, " R"]) -> list[Candidate]:
    ends = curves.ends[usable]
    seeds: dict[int, list[int]] = {}
    for genotype, seed in zip(curves.genotype[ends].tolist(), curves.seed[ends].tolist(), strict=True):
        seeds.setdefault(genotype, []).append(seed)
    ids = ((curves.genotypes[genotype], tuple(values)) for genotype, values in seeds.items())
    return [Candidate(genotype, values, short_name(genotype)) for genotype, values in ids]
