"""Successive halving: all candidates are trained a little, the better ones further, the best is chosen.

The policy is a function of the scores alone. Asked again with a source that remembers what it answered
(`journal.Remembered`), it returns to where it stopped.
"""

from collections.abc import Sequence

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.explain import choice_reason, cut_reason, final_reason, name
from orchestrator.selection.noise import deviation
from orchestrator.selection.repeats import Repeats, noise_of, planned_steps, repeat_within_noise
from orchestrator.selection.result import Candidate, CurveSource, RankedCandidate, Rung, Selection
from orchestrator.selection.rung import CandidateRuns, CandidateScores, Comparison
from search_space.errors import UserError


class SelectionError(UserError):
    """Candidates or limits with which there is nothing to select."""


def select(candidates: Sequence[Candidate], source: CurveSource, config: SelectionConfig) -> Selection:
    """Compare the candidates rung by rung and choose one.

    Raises:
        SelectionError: no candidates, one that is there twice or has no seeds, or a budget that is too small.
    """
    _check(candidates, config)
    entrants = [CandidateRuns(candidate) for candidate in candidates]
    rungs: list[Rung] = []
    for index, step in enumerate(config.rungs):
        comparison = Comparison(entrants, step, config)
        comparison.train(comparison.to_reach(config.repeats_at(index)), source)
        spent = sum(rung.steps_trained for rung in rungs)
        repeats = repeat_within_noise(comparison, index, spent, source, config)
        tallies = comparison.tallies()
        rungs.append(_rung(comparison, tallies, index, repeats, config))
        entrants = [_onward(tally, step) for tally in tallies[: len(rungs[-1].kept)]]
        if not entrants:
            break
    return Selection(
        config=config,
        rungs=tuple(rungs),
        ranking=_ranking(rungs),
        choice=entrants[0].candidate.genotype if entrants else None,
        reason=choice_reason(tallies, rungs[-1].noise, config),
    )


def _check(candidates: Sequence[Candidate], config: SelectionConfig) -> None:
    if not candidates:
        raise SelectionError("candidates: none; give at least one genotype")
    known: set[str] = set()
    for candidate in candidates:
        if candidate.genotype in known:
            raise SelectionError(f"candidates: {candidate.genotype} is there twice; give distinct genotypes")
        if not candidate.seeds:
            raise SelectionError(f"candidates: {candidate.genotype} has no seeds; give one for each repeat")
        known.add(candidate.genotype)
    planned = planned_steps(config, len(candidates))
    if config.budget is not None and planned > config.budget:
        raise SelectionError(
            f"budget = {config.budget}: the rungs train {planned} steps for {len(candidates)} candidates; "
            f"use {planned} or more, earlier rungs, smaller keep or fewer candidates"
        )


def _onward(tally: CandidateScores, step: int) -> CandidateRuns:
    return CandidateRuns(tally.candidate, alive=tuple(tally.scores), trained=step, diverged=tally.diverged)


def _rung(
    comparison: Comparison,
    tallies: Sequence[CandidateScores],
    index: int,
    repeats: Repeats,
    config: SelectionConfig,
) -> Rung:
    noise = noise_of(tallies)
    places = min(config.keeps(index, len(tallies)), sum(bool(tally.scores) for tally in tallies))
    return Rung(
        step=comparison.step,
        standings=tuple(
            RankedCandidate(
                genotype=tally.candidate.genotype,
                name=name(tally),
                step=comparison.step,
                place=place + 1,
                seeds=tuple(tally.scores),
                scores=tally.values,
                diverged=tally.diverged,
                mean=tally.mean,
                deviation=deviation(tally.values),
                kept=place < places,
                reason=final_reason(tallies, place, noise, config)
                if config.is_last(index)
                else cut_reason(tallies, place, places, noise, config),
            )
            for place, tally in enumerate(tallies)
        ),
        noise=noise,
        repeats=repeats.added,
        note=repeats.note,
        steps_trained=comparison.steps_trained,
    )


def _ranking(rungs: Sequence[Rung]) -> tuple[RankedCandidate, ...]:
    """Where each candidate stood last. Who came further ranks before; the diverged rank at the end."""
    last = {standing.genotype: standing for rung in rungs for standing in rung.standings}
    return tuple(sorted(last.values(), key=lambda each: (not each.is_sound, -each.step, each.place)))
