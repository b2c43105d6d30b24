"""Why a candidate was kept or dropped, in words."""

from collections.abc import Sequence

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.contest import lead
from orchestrator.selection.noise import Difference, Noise
from orchestrator.selection.tally import Tally


def cut_reason(
    tallies: Sequence[Tally], place: int, places: int, noise: Noise, config: SelectionConfig
) -> str:
    """Why the candidate at a place, counted from 0, is among those kept or not. `tallies` are best first."""
    tally = tallies[place]
    if not tally.is_sound:
        filled = "kept for want of better ones, though it " if place < places and tally.scores else ""
        return filled + divergence_reason(tally)
    if place >= places:
        return "dropped: " + _apart(tallies[places - 1], tally, "behind the last kept", noise, config)
    if places < len(tallies) and tallies[places].is_sound:
        return "kept: " + _apart(tally, tallies[places], "ahead of the first dropped", noise, config)
    return "kept: only the diverged were dropped" if places < len(tallies) else "kept: nobody was dropped"


def final_reason(tallies: Sequence[Tally], place: int, noise: Noise, config: SelectionConfig) -> str:
    """Where the candidate at a place of the last rung, counted from 0, stands against the one chosen."""
    tally = tallies[place]
    if place == 0 and tally.is_sound:
        return "chosen"
    if place == 0 and tally.scores:
        return f"chosen for want of better ones, though it {divergence_reason(tally)}"
    if not tally.is_sound:
        return divergence_reason(tally)
    return _apart(tallies[0], tally, "behind", noise, config)


def divergence_reason(tally: Tally) -> str:
    """How many runs diverged, and how the first of them did."""
    first = tally.diverged[0]
    runs = "diverged" if tally.runs == 1 else f"diverged in {len(tally.diverged)} of {tally.runs} runs"
    return f"{runs}: {first.reason} at step {first.step} (seed {first.seed})"


def in_standard_errors(ahead: Difference) -> str:
    """The size of a difference in its own measure, in brackets; empty where the noise is unknown or zero."""
    errors = ahead.standard_errors
    return "" if errors is None else f" ({errors:.1f} standard errors)"


def name(tally: Tally) -> str:
    """What people call the candidate."""
    return tally.candidate.name or tally.candidate.genotype


def _apart(better: Tally, worse: Tally, where: str, noise: Noise, config: SelectionConfig) -> str:
    ahead = lead(better, worse, noise, config)
    within = ", within noise" if noise.degrees and not ahead.is_separated(config.separation) else ""
    return f"{ahead.size:.3g} {where}{in_standard_errors(ahead)}{within}"
