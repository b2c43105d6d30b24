"""The sentence that says who is chosen, and how sure that is."""

from collections.abc import Sequence

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.contest import lead
from orchestrator.selection.noise import OWN_RUNS, Noise, deviation, required
from orchestrator.selection.tally import Tally
from orchestrator.selection.verdict import divergence_reason, in_standard_errors, name


def choice_reason(tallies: Sequence[Tally], noise: Noise, config: SelectionConfig) -> str:
    """Who is chosen and why. `tallies` are those of the last rung, best first."""
    scored = [tally for tally in tallies if tally.scores]
    if not scored:
        return f"nothing chosen, as every candidate still standing diverged ({len(tallies):,})"
    chosen = scored[0]
    against = _against(chosen, scored[1], noise, config) if len(scored) > 1 else "the only one with a score"
    own = f"; {len(chosen.diverged)} of its {chosen.runs} runs diverged" if chosen.diverged else ""
    return f"chosen: {name(chosen)}, {_mean(chosen)}, {against}{own}"


def _against(chosen: Tally, rival: Tally, noise: Noise, config: SelectionConfig) -> str:
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


def _basis(chosen: Tally, rival: Tally, noise: Noise) -> str:
    """Where the standard error comes from, if not from the two themselves."""
    if min(len(chosen.scores), len(rival.scores)) >= OWN_RUNS:
        return ""
    degrees = f"{noise.degrees} degrees of freedom"
    return f"; deviation {noise.deviation:.2g} pooled over {noise.candidates} candidates, {degrees}"


def _mean(tally: Tally) -> str:
    spread, runs = deviation(tally.values), len(tally.scores)
    if spread is None:
        return f"{tally.mean:.4g} with one seed"
    return f"mean {tally.mean:.4g} ± {spread:.2g} over {runs} seeds"
