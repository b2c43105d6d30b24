"""Scored candidates for tests, as short as what they hold."""

from orchestrator.selection.result import Candidate, Divergence
from orchestrator.selection.rung import CandidateScores


def scored(genotype: str, *scores: float | None) -> CandidateScores:
    """A candidate with the scores of its seeds from 0, None for a run that diverged at step 10."""
    diverged = tuple(
        Divergence(seed=seed, step=10, score=None, reason="no finite score")
        for seed, score in enumerate(scores)
        if score is None
    )
    kept = {seed: score for seed, score in enumerate(scores) if score is not None}
    return CandidateScores(Candidate(genotype, tuple(range(len(scores)))), kept, diverged)
