"""Freeze-thaw (after Swersky et al. 2014): trainings are frozen at every rung, the most promising one thaws.

A Gaussian process over genotypes says what a candidate would end with, by all that is known of the others;
the score of each frozen training, extrapolated from rung to rung, is one noisy observation of it.
"""

from collections.abc import Mapping, Sequence

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policies.expected_end import ExpectedEnd
from orchestrator.selection.policies.policy import Policy
from orchestrator.selection.policies.trainings import Trainings
from orchestrator.selection.result import Candidate, CurveSource, Selection, SelectionError


def thaw(candidates: Sequence[Candidate], source: CurveSource, config: SelectionConfig) -> Selection:
    """Screen everyone at the first rung; then train whose end has the lowest mean - sd one rung further.

    Raises:
        SelectionError: a budget that does not pay for the screening and the finish.
    """
    trainings = Trainings(candidates, source, _affordable(config, len(candidates)))
    trainings.advance(list(trainings.candidates))
    model = ExpectedEnd(list(trainings.candidates))
    while batch := _batch(trainings, model):
        trainings.advance(batch)
    trainings.finish()
    return trainings.selection()


def _affordable(config: SelectionConfig, candidates: int) -> SelectionConfig:
    """The configuration with as many finalists as the budget pays for beside the screening."""
    if config.budget is None:
        return config
    screening, finish = candidates * config.steps[0], config.steps[-1] - config.steps[0]
    finalists = min(config.min_keep, candidates, (int(config.budget) - screening) // finish if finish else 1)
    if finalists < 1:
        raise SelectionError(
            f"budget = {config.budget}: screening {candidates} candidates and finishing one takes "
            f"{screening + finish} steps; use {screening + finish} or more, an earlier first rung or fewer "
            "candidates"
        )
    return config.model_copy(update={"min_keep": finalists})


def _batch(trainings: Trainings, model: ExpectedEnd) -> list[str]:
    left = [genotype for rung in range(trainings.last) for genotype in trainings.stopped(rung)]
    if not left:
        return []
    hopes = _hopes(trainings, model)
    chosen: list[str] = []
    for genotype in sorted(left, key=lambda each: (hopes[each], each)):
        if len(chosen) == trainings.config.batch:
            break
        if trainings.affords([*chosen, genotype]):
            chosen.append(genotype)
    return chosen


def _hopes(trainings: Trainings, model: ExpectedEnd) -> Mapping[str, float]:
    """The best score that each candidate may end with; lower is better."""
    sign = 1.0 if trainings.config.lower_is_better else -1.0
    rungs = [
        {
            each.candidate.genotype: sign * each.mean
            for each in trainings.ranked(rung)
            if each.is_sound and each.mean is not None
        }
        for rung in range(trainings.last + 1)
    ]
    return model.lowest(rungs, trainings.lost())


FREEZE_THAW = Policy(thaw, rungs=(0.04, 0.1, 0.2, 0.4, 0.7, 1.0), budget=0.25, spends_budget=True)
