"""Repeated runs of candidates within noise of a cut, and the cost of a selection in training steps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.config.selection import SelectionConfig
from orchestrator.jobs.scores import Difference, Noise, difference, pooled
from orchestrator.selection.result import CurveSource, Request
from orchestrator.selection.rung import CandidateScores, Comparison


def planned_steps(config: SelectionConfig, candidates: int) -> int:
    """Steps in all runs together if nobody diverges and nobody is repeated for noise."""
    return steps_ahead(config, 0, candidates, [0] * candidates)


def steps_ahead(config: SelectionConfig, rung: int, left: int, runs: Sequence[int]) -> int:
    """Most steps of the rungs from one on, counted from 0, without further repeats for noise.

    `runs` are those of each candidate that may be among those left there, trained to the rung before. Who
    will be kept is not known, so at every rung those whose runs cost most are.
    """
    counts, total = np.array(runs, dtype=np.int64), 0
    before = config.steps[rung - 1] if rung else 0
    for later in range(rung, len(config.steps)):
        step, repeats = config.steps[later], config.repeats_at(later)
        costs = counts * (step - before) + np.maximum(repeats - counts, 0) * step
        total += int(np.sort(costs)[::-1][:left].sum())
        counts = np.maximum(counts, repeats)
        left, before = config.keeps(later, left), step
    return total


def noise_of(ranked: Sequence[CandidateScores]) -> Noise:
    """Deviation over seeds, pooled over those of which less than half diverged."""
    return pooled(scored.values for scored in ranked if scored.is_sound)


def lead(
    better: CandidateScores, worse: CandidateScores, noise: Noise, config: SelectionConfig
) -> Difference:
    """The lead of one candidate over another; both have a score."""
    return difference(better.values, worse.values, noise, config.lower_is_better)


def near_the_cut(
    ranked: Sequence[CandidateScores], places: int, config: SelectionConfig
) -> list[CandidateScores]:
    """The candidates within noise of a cut after so many places, nearest to it first.

    Who is kept is compared with the best who is not, who is not with the last who is. While nobody was
    repeated the noise is unknown, and the two at the cut come first.
    """
    sound = [scored for scored in ranked if scored.is_sound]
    if places >= len(sound):
        return []
    inside, outside = sound[:places][::-1], sound[places:]
    noise = noise_of(ranked)
    if not noise.degrees:
        return [inside[0], outside[0]]

    def is_near(better: CandidateScores, worse: CandidateScores) -> bool:
        return not lead(better, worse, noise, config).is_separated(config.separation)

    near = [(distance, scored) for distance, scored in enumerate(inside) if is_near(scored, outside[0])]
    near += [(distance, scored) for distance, scored in enumerate(outside) if is_near(inside[0], scored)]
    return [scored for _, scored in sorted(near, key=lambda each: each[0])]


def doubtful(ranked: Sequence[CandidateScores], places: int, most_repeats: int) -> list[CandidateScores]:
    """The candidates whose few runs may have been luck, whatever the others score.

    A single winner with a single score: the best of many is partly luck. And who diverged in more than half
    of the runs, if so many repeats can make up for it: one run in ten was seen to, of any architecture.
    """
    winner = [scored for scored in ranked[:places] if places == 1 < len(ranked) and len(scored.scores) == 1]
    return winner + [
        scored for scored in ranked if not scored.is_sound and 2 * len(scored.diverged) <= most_repeats
    ]


@dataclass(frozen=True)
class Repeats:
    """The outcome of repeating."""

    added: int
    note: str


def repeat_within_noise(
    comparison: Comparison, rung: int, spent: int, source: CurveSource, config: SelectionConfig
) -> Repeats:
    """Train those near the cut once more, all of them together, until they are told apart or a limit is met.

    `spent` are the steps of the rungs before, `rung` is counted from 0.
    """
    places = 1 if config.is_last(rung) else config.keeps(rung, len(comparison.members))
    most = config.most_repeats_at(rung)
    added, over_budget = 0, False
    while True:
        ranked = comparison.ranked()
        near = near_the_cut(ranked, places, config)
        # Each once, though a winner with one score may be both near the cut and doubtful.
        again = {scored.candidate.genotype: scored.runs for scored in near + doubtful(ranked, places, most)}
        wanted = [
            request
            for genotype, runs in again.items()
            if runs < most and (request := comparison.one_more(genotype))
        ]
        requests = _affordable(wanted, comparison, rung, spent, config)
        over_budget |= len(requests) < len(wanted)
        if not requests:
            return Repeats(added, _note(len(near), bool(noise_of(ranked).degrees), over_budget))
        comparison.train(requests, source)
        added += len(requests)


def _affordable(
    wanted: list[Request], comparison: Comparison, rung: int, spent: int, config: SelectionConfig
) -> list[Request]:
    """The first requests, as many as leave the budget enough for the later rungs."""
    if config.budget is None:
        return wanted
    runs = {scored.candidate.genotype: scored.runs for scored in comparison.ranked()}
    left = config.keeps(rung, len(runs))
    spent += comparison.steps_trained
    for count, request in enumerate(wanted):
        spent += comparison.cost([request])
        runs[request.genotype] += 1
        if spent + steps_ahead(config, rung + 1, left, list(runs.values())) > config.budget:
            return wanted[:count]
    return wanted


def _note(near: int, noise_is_known: bool, over_budget: bool) -> str:
    notes = []
    if near and noise_is_known:
        notes.append(f"candidates still within noise of the cut: {near:,}")
    elif near:
        notes.append("one run each, so the noise is unknown")
    if over_budget:
        notes.append("the budget allows no further runs")
    return "; ".join(notes)
