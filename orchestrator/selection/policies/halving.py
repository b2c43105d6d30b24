"""Successive halving: all candidates are trained for a few steps, the better ones for longer, and the best
is chosen."""

from collections.abc import Iterator, Sequence

from orchestrator.config.selection import THIRD, SelectionConfig
from orchestrator.selection.policies.explain import choice_reason, cut_reason, final_reason, ranked_candidate
from orchestrator.selection.policies.policy import Policy
from orchestrator.selection.policies.repeats import Repeats, noise_of, planned_steps, repeat_within_noise
from orchestrator.selection.result import (
    Candidate,
    CurveSource,
    RankedCandidate,
    Rung,
    Selection,
    SelectionError,
)
from orchestrator.selection.rung import CandidateRuns, CandidateScores, Comparison, has_collapsed


def halve(candidates: Sequence[Candidate], source: CurveSource, config: SelectionConfig) -> Selection:
    """Compare the candidates rung by rung and choose one.

    Raises:
        SelectionError: a budget that is too small.
    """
    config = affordable(config, len(candidates), tuned=True)
    members = [CandidateRuns(candidate) for candidate in candidates]
    waiting: list[CandidateRuns] = []
    rungs: list[Rung] = []
    for index, step in enumerate(config.steps):
        comparison = Comparison(members, step, config)
        comparison.train(comparison.to_reach(config.repeats_at(index)), source)
        spent = sum(rung.steps_trained for rung in rungs)
        replaced = 0
        if config.is_last(index):
            before = [each.mean for each in rungs[-1].kept if each.mean is not None] if rungs else []
            replaced = _replace_collapsed(comparison, waiting, before, spent, source, config)
        repeats = repeat_within_noise(comparison, index, spent, source, config)
        ranked = comparison.ranked()
        rungs.append(_rung(comparison, ranked, index, _with_note(repeats, replaced), config))
        kept = len(rungs[-1].kept)
        # Those who came further stand in first for a finalist that collapses.
        waiting = [_onward(scored, step) for scored in ranked[kept:] if scored.is_sound] + waiting
        members = [_onward(scored, step) for scored in ranked[:kept]]
        if not members:
            break
    return Selection(
        config=config,
        rungs=tuple(rungs),
        ranking=ranking_of(rungs),
        choice=members[0].candidate.genotype if members else None,
        reason=choice_reason(ranked, rungs[-1].noise, config),
    )


def affordable(config: SelectionConfig, candidates: int, tuned: bool = False) -> SelectionConfig:
    """The configuration with shares to keep that its budget pays for; `tuned` to small budgets.

    Raises:
        SelectionError: even the fewest cost more.
    """
    if config.budget is None:
        return config
    is_small = config.budget < SMALL * candidates * config.steps[-1]
    for cheapest in _frugal(config, tuned and is_small):
        planned = planned_steps(cheapest, candidates)
        if planned <= config.budget:
            return cheapest
    raise SelectionError(
        f"budget = {config.budget}: the rungs train {planned} steps for {candidates} candidates; "
        f"use {planned} or more, earlier rungs, smaller keep or fewer candidates"
    )


def _frugal(config: SelectionConfig, is_small: bool) -> Iterator[SelectionConfig]:
    """The configuration, then ever smaller shares to keep, then fewer who finish; counts stay as they are."""
    shares = config.keep or THIRD
    yield config
    tuned = is_small and len(config.steps) > 2 and max(shares) < 1
    for percent in range(98, -1, -2):
        keep = tuple(share if share >= 1 else max(share * percent / 100, SMALLEST) for share in shares)
        if tuned:
            keep = _two_cuts(config, max(SCREENED * percent / 100, SMALLEST))
        yield config.model_copy(update={"keep": keep})
    for fewest in range(config.min_keep - 1, 0, -1):
        yield config.model_copy(update={"keep": keep, "min_keep": fewest})


def _two_cuts(config: SelectionConfig, share: float) -> tuple[float, ...]:
    """After the first rung a share goes on, from the rung nearest to 40 % the fewest; others cut nobody.

    With little to spend this beats many mild cuts: hundreds of trainings of CIFAR-10, docs/selection.md.
    """
    middle = range(1, len(config.steps) - 1)
    late = min(middle, key=lambda rung: abs(config.steps[rung] - LATE * config.steps[-1]))
    return (share, *(SMALLEST if rung == late else EVERYONE for rung in middle))


SMALL = 0.25
"""Share of training everyone to the end below which a budget asks for other cuts."""
SCREENED, LATE = 0.3, 0.4
"""The most candidates that continue from the first rung then; share of the training before the second cut."""
SMALLEST, EVERYONE = 1e-9, 1 - 1e-9
"""Shares to keep lie between these: `min_keep` go on below the first, nobody is dropped above the second."""


def _replace_collapsed(
    comparison: Comparison,
    waiting: Sequence[CandidateRuns],
    before: Sequence[float],
    spent: int,
    source: CurveSource,
    config: SelectionConfig,
) -> int:
    """Let those that were dropped last finish while fewer than `min_keep` have. Return how many did."""
    for count, member in enumerate(waiting):
        requests = comparison.to_reach(1, [member])
        finished = [each for each in comparison.ranked() if not has_collapsed(each, before, config)]
        if len(finished) >= config.min_keep:
            return count
        price = sum(comparison.step - member.trained for _ in requests)
        if config.budget is not None and spent + comparison.steps_trained + price > config.budget:
            return count
        comparison.admit(member)
        comparison.train(requests, source)
    return len(waiting)


def _with_note(repeats: Repeats, replaced: int) -> Repeats:
    if not replaced:
        return repeats
    note = f"finished in place of others that collapsed: {replaced}"
    return Repeats(repeats.added, "; ".join(filter(None, (note, repeats.note))))


def _onward(scored: CandidateScores, step: int) -> CandidateRuns:
    return CandidateRuns(scored.candidate, alive=tuple(scored.scores), trained=step, diverged=scored.diverged)


def _rung(
    comparison: Comparison,
    ranked: Sequence[CandidateScores],
    index: int,
    repeats: Repeats,
    config: SelectionConfig,
) -> Rung:
    noise = noise_of(ranked)
    places = min(config.keeps(index, len(ranked)), sum(bool(scored.scores) for scored in ranked))
    return Rung(
        step=comparison.step,
        standings=tuple(
            ranked_candidate(
                scored,
                comparison.step,
                place,
                kept=place < places,
                reason=final_reason(ranked, place, noise, config)
                if config.is_last(index)
                else cut_reason(ranked, place, places, noise, config),
            )
            for place, scored in enumerate(ranked)
        ),
        noise=noise,
        repeats=repeats.added,
        note=repeats.note,
        steps_trained=comparison.steps_trained,
    )


def ranking_of(rungs: Sequence[Rung]) -> tuple[RankedCandidate, ...]:
    """The last place of each candidate. Those that came further rank first, those that diverged last."""
    last = {ranked.genotype: ranked for rung in rungs for ranked in rung.standings}
    return tuple(sorted(last.values(), key=lambda each: (not each.is_sound, -each.step, each.place)))


HALVING = Policy(halve, rungs=(0.04, 0.12, 0.25, 0.5, 1.0), keep=(0.5, 0.6, 0.6, 0.7), cuts=True)
"""Early screening and late finishing, as won on hundreds of trainings of CIFAR-10, in several milder cuts."""
