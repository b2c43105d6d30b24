"""The algorithms of evolution: which members are likely parents, and which one leaves the population."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from search_space.evolution.pareto import Points, crowding, fronts

Standings = Sequence[tuple[float, ...]]
"""How good the members of a population are, the lower the better, from the oldest to the youngest."""


class Algorithm(Protocol):
    """What makes one evolution another."""

    def standings(self, points: Points) -> Standings:
        """How members with these fitnesses and sizes stand; what has no score has an infinite fitness."""

    def leaves(self, standings: Standings, told: int) -> int:
        """The place of the member that makes room, after so many candidates."""


@dataclass(frozen=True)
class Regularized:
    """Members stand by fitness; the oldest and the worst leave in turns."""

    def standings(self, points: Points) -> Standings:
        """By fitness alone."""
        return [(fitness,) for fitness, _ in points]

    def leaves(self, standings: Standings, told: int) -> int:
        """The worst or the oldest."""
        return _worst(standings) if told % 2 else 0


@dataclass(frozen=True)
class Nsga2:
    """Members stand by their front of fitness and size, within it by how few others are near.

    The last one leaves after every child (Durillo et al. 2009), not after as many children as members.
    """

    def standings(self, points: Points) -> Standings:
        """Front and negative crowding distance; what has no score is last, whatever its size."""
        worst = (math.inf, math.inf)
        scored = [point if math.isfinite(point[0]) else worst for point in points]
        found: list[tuple[float, ...]] = [()] * len(points)
        for number, front in enumerate(fronts(scored)):
            distances = crowding([scored[place] for place in front])
            for place, distance in zip(front, distances, strict=True):
                found[place] = (number, -distance)
        return found

    def leaves(self, standings: Standings, told: int) -> int:  # noqa: ARG002
        """The last; of equals the oldest."""
        return _worst(standings)


ALGORITHMS: Mapping[str, Algorithm] = {"regularized": Regularized(), "nsga2": Nsga2()}
"""By the name in `EvolutionConfig.algorithm`."""


def _worst(standings: Standings) -> int:
    return max(range(len(standings)), key=standings.__getitem__)
