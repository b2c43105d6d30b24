"""Whom a cut cannot tell apart: the candidates that deserve another run."""

from collections.abc import Sequence

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.noise import Difference, Noise, difference, pooled
from orchestrator.selection.tally import Tally


def noise_of(tallies: Sequence[Tally]) -> Noise:
    """Deviation over seeds, pooled over those of which less than half diverged."""
    return pooled(tally.values for tally in tallies if tally.is_sound)


def lead(better: Tally, worse: Tally, noise: Noise, config: SelectionConfig) -> Difference:
    """How far one candidate is ahead of another; both have a score."""
    return difference(better.values, worse.values, noise, config.lower_is_better)


def contested(tallies: Sequence[Tally], places: int, config: SelectionConfig) -> list[Tally]:
    """Those within noise of a cut after so many places, nearest to it first.

    Who is kept is compared with the best who is not, who is not with the last who is. While nobody was
    repeated the noise is unknown, and the two at the cut come first.
    """
    sound = [tally for tally in tallies if tally.is_sound]
    if places >= len(sound):
        return []
    inside, outside = sound[:places][::-1], sound[places:]
    noise = noise_of(tallies)
    if not noise.degrees:
        return [inside[0], outside[0]]

    def is_near(better: Tally, worse: Tally) -> bool:
        return not lead(better, worse, noise, config).is_separated(config.separation)

    near = [(distance, tally) for distance, tally in enumerate(inside) if is_near(tally, outside[0])]
    near += [(distance, tally) for distance, tally in enumerate(outside) if is_near(inside[0], tally)]
    return [tally for _, tally in sorted(near, key=lambda each: each[0])]


def doubtful(tallies: Sequence[Tally], places: int, most_repeats: int) -> list[Tally]:
    """Those whose few runs may have been luck, whatever the others score.

    A single winner with a single score: the best of many is partly luck. And who diverged in more than half
    of the runs, if so many repeats can make up for it: one run in ten was seen to, of any architecture.
    """
    winner = [tally for tally in tallies[:places] if places == 1 < len(tallies) and len(tally.scores) == 1]
    return winner + [
        tally for tally in tallies if not tally.is_sound and 2 * len(tally.diverged) <= most_repeats
    ]
