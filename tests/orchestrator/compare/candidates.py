"""Candidates made by hand."""

from collections.abc import Sequence
from typing import Any

from orchestrator.compare.candidate import Candidate, Training
from search_space.networks.config import GeneratorConfig
from search_space.sampling import sample_genotype

WIDTH = GeneratorConfig(channels=4, bottom_width=2, image_channels=1)
PROTOCOL = {"extractor": "digits", "samples": "1000"}


def trained(name: str, *scores: float | None, genotype: int = 0, **changes: Any) -> Candidate:
    """A candidate with a training a score; None diverged."""
    trainings = [
        Training(f"{name}-{seed}", name, seed, {} if score is None else {"fd_digits": score}, diverged="NaN")
        for seed, score in enumerate(scores)
    ]
    given: dict[str, Any] = {
        "metrics": ("fd_digits",),
        "protocol": PROTOCOL,
        "recipe": {"retrain.steps": "300"},
        "trainings": tuple(trainings),
    }
    return Candidate(name, sample_genotype("generator", genotype), WIDTH, "digits", **(given | changes))


def names(rows: Sequence[Any]) -> list[str]:
    """Of a group's rows, in their order."""
    return [row.candidate.name for row in rows]
