"""Options of an evolution."""

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from search_space.frozen import Frozen


class EvolutionConfig(Frozen):
    """How candidates are generated."""

    algorithm: Literal["regularized", "nsga2"] = "regularized"
    """How parents and survivors are chosen: `regularized` evolution (Real et al. 2019) by scores alone,
    `nsga2` (Deb et al. 2002) by scores and numbers of parameters, whose Pareto front it searches."""
    random: PositiveInt = 60
    """Number of candidates that are drawn uniformly: the first population."""
    children: NonNegativeInt = 90
    """Number of candidates that are bred after these, one at a time."""
    tournament: PositiveInt = 10
    """Number of members that are drawn at random; the best of them is a parent. NSGA-II was published with
    2."""
    crossover: float = Field(default=0.5, ge=0, le=1)
    """Share of the children whose cells come from two parents."""
    max_parameters: PositiveInt | None = None
    """Largest number of parameters of the generator at the widths of `search.generator`. Larger candidates
    are ignored."""

    @property
    def candidates(self) -> int:
        """Scored in all."""
        return self.random + self.children
