"""What a selection found, as values: every candidate at every rung, the ranking, the choice."""

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.noise import Noise
from search_space.frozen import Frozen


class Divergence(Frozen):
    """A run that is not trained further."""

    seed: int
    step: int
    score: float | None
    """None where it was not finite."""
    reason: str


class Standing(Frozen):
    """One candidate at one rung."""

    genotype: str
    name: str
    step: int
    place: int
    """Among those at this rung, from 1 for the best."""
    seeds: tuple[int, ...]
    """Of the runs that count, in the order of `scores`."""
    scores: tuple[float, ...]
    diverged: tuple[Divergence, ...]
    """Runs of this candidate that diverged here or at earlier rungs."""
    mean: float | None
    """None if all runs diverged."""
    deviation: float | None
    """Of the scores over seeds; None for fewer than two."""
    kept: bool
    """It goes on to the next rung; at the last one, it may be chosen."""
    reason: str
    """Why it was kept or not, in a few words."""

    @property
    def runs(self) -> int:
        """All training runs so far, diverged ones included."""
        return len(self.scores) + len(self.diverged)

    @property
    def is_sound(self) -> bool:
        """Whether no more than half of its runs diverged."""
        return 2 * len(self.diverged) <= self.runs


class Rung(Frozen):
    """One comparison."""

    step: int
    standings: tuple[Standing, ...]
    """All who stood here, best first."""
    noise: Noise
    repeats: int
    """Runs added because candidates were within noise."""
    note: str
    """What a reader has to know about the repeats; empty if nothing."""
    steps_trained: int
    """In all runs together, from the rung before to this one."""

    @property
    def kept(self) -> tuple[Standing, ...]:
        """Who goes on, best first."""
        return tuple(standing for standing in self.standings if standing.kept)


class Selection(Frozen):
    """The outcome of successive halving."""

    config: SelectionConfig
    rungs: tuple[Rung, ...]
    """Those reached; fewer than configured if everyone diverged."""
    ranking: tuple[Standing, ...]
    """Every candidate where it stood last: who came further first, then by score; the diverged at the end."""
    choice: str | None
    """Genotype id; None if everyone diverged."""
    reason: str
    """The choice and why, in one sentence."""

    @property
    def steps_trained(self) -> int:
        """The cost: training steps in all runs together, those of diverged runs up to their last rung."""
        return sum(rung.steps_trained for rung in self.rungs)
