"""Why a candidate was kept or dropped, in words."""

from collections.abc import Sequence

from orchestrator.selection.config import SelectionConfig
from orchestrator.selection.contest import lead
from orchestrator.selection.noise import Difference, Noise
from orchestrator.selection.tally import Tally


def cut_reason(
    tallies: Sequence[Tally], place: int, places: int, noise: Noise, config: SelectionConfig
) -> str:
    """Why the candidate at a place, counted from 0, is among those kept or not. `tallies` are best first."""
    tally, where = tallies[place], f"place {place + 1} of {len(tallies)}"
    if not tally.is_sound:
        filled = "kept for want of better ones, though it " if place < places and tally.scores else ""
        return filled + divergence_reason(tally)
    if place >= places:
        return f"dropped: {where}, {behind(tallies[places - 1], tally, noise, config)}"
    rival = tallies[places] if places < len(tallies) else None
    near = noise.degrees and rival and rival.is_sound and not apart(tally, rival, noise, config)
    return f"kept: {where}" + (", within noise of the cut" if near else "")


def final_reason(tallies: Sequence[Tally], place: int, noise: Noise, config: SelectionConfig) -> str:
    """Where the candidate at a place of the last rung, counted from 0, stands against the one chosen."""
    tally = tallies[place]
    if place == 0 and tally.scores:
        return (
            "chosen"
            if tally.is_sound
            else f"chosen for want of better ones, though it {divergence_reason(tally)}"
        )
    return behind(tallies[0], tally, noise, config) if tally.is_sound else divergence_reason(tally)


def divergence_reason(tally: Tally) -> str:
    """How many runs diverged, and how the first of them did."""
    first = tally.diverged[0]
    runs = "diverged" if tally.runs == 1 else f"diverged in {len(tally.diverged)} of {tally.runs} runs"
    return f"{runs}: {first.reason} at step {first.step} (seed {first.seed})"


def behind(better: Tally, worse: Tally, noise: Noise, config: SelectionConfig) -> str:
    """How far one is behind another."""
    ahead = lead(better, worse, noise, config)
    within = noise.degrees and not ahead.is_separated(config.separation)
    distance = f"{ahead.size:.3g} behind {name(better)}{in_standard_errors(ahead)}"
    return distance + (", within noise" if within else "")


def in_standard_errors(ahead: Difference) -> str:
    """The size of a difference in its own measure, in brackets; empty where the noise is unknown or zero."""
    errors = ahead.standard_errors
    return "" if errors is None else f" ({errors:.1f} standard errors)"


def apart(better: Tally, worse: Tally, noise: Noise, config: SelectionConfig) -> bool:
    """Whether one is better beyond noise."""
    return lead(better, worse, noise, config).is_separated(config.separation)


def name(tally: Tally) -> str:
    """What people call the candidate."""
    return tally.candidate.name or tally.candidate.genotype
