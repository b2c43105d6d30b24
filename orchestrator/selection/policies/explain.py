"""The reason why a candidate was kept or dropped, as text."""

from collections.abc import Sequence

from orchestrator.config.selection import SelectionConfig
from orchestrator.jobs.scores import OWN_RUNS, Difference, Noise, deviation, required
from orchestrator.selection.policies.repeats import lead
from orchestrator.selection.result import RankedCandidate
from orchestrator.selection.rung import CandidateScores


def cut_reason(
    ranked: Sequence[CandidateScores], place: int, places: int, noise: Noise, config: SelectionConfig
) -> str:
    """The reason why the candidate at a place, counted from 0, is kept or not; `ranked` is best first."""
    scored = ranked[place]
    if not scored.is_sound:
        filled = "kept for want of better ones, though it " if place < places and scored.scores else ""
        return filled + divergence_reason(scored)
    if place >= places:
        return "dropped: " + _apart(ranked[places - 1], scored, "behind the last kept", noise, config)
    if places < len(ranked) and ranked[places].is_sound:
        return "kept: " + _apart(scored, ranked[places], "ahead of the first dropped", noise, config)
    return "kept: only the diverged were dropped" if places < len(ranked) else "kept: nobody was dropped"


def final_reason(ranked: Sequence[CandidateScores], place: int, noise: Noise, config: SelectionConfig) -> str:
    """The reason why the candidate at a place of the last rung, counted from 0, was chosen or not."""
    scored = ranked[place]
    if place == 0 and scored.is_sound:
        return "chosen"
    if place == 0 and scored.scores:
        return f"chosen for want of better ones, though it {divergence_reason(scored)}"
    if not scored.is_sound:
        return divergence_reason(scored)
    return _apart(ranked[0], scored, "behind", noise, config)


def divergence_reason(scored: CandidateScores) -> str:
    """The number of runs that diverged, and the reason of the first."""
    first = scored.diverged[0]
    runs = "diverged" if scored.runs == 1 else f"diverged in {len(scored.diverged)} of {scored.runs} runs"
    return f"{runs}: {first.reason} at step {first.step} (seed {first.seed})"


def in_standard_errors(ahead: Difference) -> str:
    """The size of a difference in its own measure, in brackets; empty where the noise is unknown or zero."""
    errors = ahead.standard_errors
    return "" if errors is None else f" ({errors:.1f} standard errors)"


def name(scored: CandidateScores) -> str:
    """The candidate's name."""
    return scored.candidate.name or scored.candidate.genotype


def _apart(
    better: CandidateScores, worse: CandidateScores, where: str, noise: Noise, config: SelectionConfig
) -> str:
    ahead = lead(better, worse, noise, config)
    within = ", within noise" if noise.degrees and not ahead.is_separated(config.separation) else ""
    return f"{ahead.size:.3g} {where}{in_standard_errors(ahead)}{within}"


def choice_reason(ranked: Sequence[CandidateScores], noise: Noise, config: SelectionConfig) -> str:
    """The choice and its reason. `ranked` are the candidates of the last rung, best first."""
    scored = [each for each in ranked if each.scores]
    if not scored:
        return f"nothing chosen, as every candidate still standing diverged ({len(ranked):,})"
    chosen = scored[0]
    against = _against(chosen, scored[1], noise, config) if len(scored) > 1 else "the only one with a score"
    own = f"; {len(chosen.diverged)} of its {chosen.runs} runs diverged" if chosen.diverged else ""
    return f"chosen: {name(chosen)}, {_mean(chosen)}, {against}{own}"


def _against(chosen: CandidateScores, rival: CandidateScores, noise: Noise, config: SelectionConfig) -> str:
    if not rival.is_sound:
        return f"better than {name(rival)}, which {divergence_reason(rival)}"
    ahead = lead(chosen, rival, noise, config)
    size, runner_up = f"{ahead.size:.3g}", f"better than the runner-up {name(rival)}"
    if ahead.error is None:
        return f"{runner_up} by {size}, with one run each and so with unknown noise"
    if not ahead.size:
        return f"equal to {name(rival)}: chosen by the order of ids alone"
    basis = _basis(chosen, rival, noise)
    if ahead.is_separated(config.separation):
        return f"{runner_up} by {size}{in_standard_errors(ahead)}{basis}"
    needed = required(config.separation, ahead.degrees)
    return (
        f"within noise of {name(rival)}: chosen for its better mean, by {size}{in_standard_errors(ahead)} "
        f"where {needed:.1f} standard errors would tell them apart{basis}"
    )


def _basis(chosen: CandidateScores, rival: CandidateScores, noise: Noise) -> str:
    """The origin of the standard error, if it is not from the two themselves."""
    if min(len(chosen.scores), len(rival.scores)) >= OWN_RUNS:
        return ""
    degrees = f"{noise.degrees} degrees of freedom"
    return f"; deviation {noise.deviation:.2g} pooled over {noise.candidates} candidates, {degrees}"


def _mean(scored: CandidateScores) -> str:
    spread, runs = deviation(scored.values), len(scored.scores)
    if spread is None:
        return f"{scored.mean:.4g} with one seed"
    return f"mean {scored.mean:.4g} ± {spread:.2g} over {runs} seeds"


def ranked_candidate(
    scored: CandidateScores, step: int, place: int, *, kept: bool, reason: str
) -> RankedCandidate:
    """The row of a candidate at a rung; `place` counts from 0."""
    return RankedCandidate(
        genotype=scored.candidate.genotype,
        name=name(scored),
        step=step,
        place=place + 1,
        seeds=tuple(scored.scores),
        scores=scored.values,
        diverged=scored.diverged,
        mean=scored.mean,
        deviation=deviation(scored.values),
        kept=kept,
        reason=reason,
    )
