"""Tallies for tests, as short as what they hold."""

from orchestrator.selection.result import Divergence
from orchestrator.selection.source import Candidate
from orchestrator.selection.tally import Tally


def tally(genotype: str, *scores: float | None) -> Tally:
    """A candidate with the scores of its seeds from 0, None for a run that diverged at step 10."""
    diverged = tuple(
        Divergence(seed=seed, step=10, score=None, reason="no finite score")
        for seed, score in enumerate(scores)
        if score is None
    )
    kept = {seed: score for seed, score in enumerate(scores) if score is not None}
    return Tally(Candidate(genotype, tuple(range(len(scores)))), kept, diverged)
