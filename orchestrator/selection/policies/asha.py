"""ASHA by promotion (Li et al.

2020): a run that is among the best of a rung so far continues without waiting.
"""

from collections.abc import Sequence

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policies.halving import affordable
from orchestrator.selection.policies.policy import Policy
from orchestrator.selection.policies.trainings import Trainings
from orchestrator.selection.result import Candidate, CurveSource, Selection


def promote(candidates: Sequence[Candidate], source: CurveSource, config: SelectionConfig) -> Selection:
    """Promote from the highest rung that allows it, else begin another candidate; then finish `min_keep`.

    Raises:
        SelectionError: a budget that is too small.
    """
    config = affordable(config, len(candidates))
    trainings = Trainings(candidates, source, config)
    while batch := _batch(trainings):
        trainings.advance(batch)
    trainings.finish()
    return trainings.selection()


def _batch(trainings: Trainings) -> list[str]:
    """The genotypes to train next: as many as `batch` and the budget allow."""
    chosen: list[str] = []
    for genotype in _promotable(trainings) + _unseen(trainings):
        if len(chosen) == trainings.config.batch:
            break
        if trainings.affords([*chosen, genotype]):
            chosen.append(genotype)
    return chosen


def _promotable(trainings: Trainings) -> list[str]:
    """The best of each rung that have not continued, the highest rung first."""
    found: list[str] = []
    for rung in range(trainings.last)[::-1]:
        best = trainings.sound(rung)[: _places(trainings, rung)]
        found += [genotype for genotype in best if trainings.reached(genotype) == rung]
    return found


def _places(trainings: Trainings, rung: int) -> int:
    """Number of runs at a rung that may continue, rounded down, so that being the first is not enough."""
    keep = trainings.config.keep or (1 / 3,)
    share = keep[0] if len(keep) == 1 else keep[rung]
    return int(share) if share >= 1 else int(share * len(trainings.ranked(rung)))


def _unseen(trainings: Trainings) -> list[str]:
    return [genotype for genotype in trainings.candidates if trainings.reached(genotype) < 0]


ASHA = Policy(promote, rungs=(0.04, 0.12, 0.36, 1.0), keep=(0.5,), cuts=True)
