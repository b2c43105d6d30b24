"""Random search: the baseline that every other strategy has to beat. It trains nothing."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.parameter_table import ParameterTable
from search_space.sampling import sample_genotype
from search_space.space import SearchSpace
from search_space.spaces.registry import find_space
from search_space.topology import NONE, Network
from trainers.strategies.strategy import Batch, SearchSetup, Strategy, StrategyConfig

if TYPE_CHECKING:
    from torch import Tensor

    from trainers.noise import NoiseSource

MOST_DRAWS = 20_000
"""Draws of genotypes of any size for one of the requested size: this takes seconds."""


class RandomConfig(StrategyConfig):
    """Each step draws a genotype of each network, uniformly; the last one of every report is kept."""

    name: Literal["random"] = "random"
    samples: ClassVar[bool] = False
    plays: ClassVar[bool] = False
    needs_supernet: ClassVar[bool] = False
    parameters: PositiveInt | None = None
    """Number of trainable parameters of the generator at the widths of `search.generator`: genotypes are
    drawn again until they have about this size. null: any size."""
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """The largest difference from `parameters`, as a share of it."""

    def build(self, setup: SearchSetup) -> Strategy:
        """The draws of the setup's seed.

        Raises:
            UserError: no genotype is of that size.
        """
        return RandomSearch(self, setup)


class RandomSearch(Strategy):
    """A function of seed and step: the step is its only state."""

    def __init__(self, options: RandomConfig, setup: SearchSetup) -> None:
        from trainers.state import TrainingState

        self.state = TrainingState({}, setup.device)
        self._options, self._seed, self._space = options, setup.seed, find_space(setup.config.space)
        self._table = self._space.parameter_table("generator", setup.generator)
        self._require_possible()

    def step(self, batch: Batch, noise: "NoiseSource") -> Mapping[str, "Tensor"]:  # noqa: ARG002
        """Draw the next genotypes; they are looked at when they are asked for."""
        self.state.step += 1
        return {}

    def derived(self) -> Mapping[Network, Genotype]:
        """The genotypes of the last step.

        Raises:
            UserError: none of many was of the size that is asked for.
        """
        return {
            network: self._fitting() if network == "generator" else self._draw(network, 0)
            for network in self._space.cells
        }

    def _fitting(self) -> Genotype:
        draws = (self._draw("generator", number) for number in range(MOST_DRAWS))
        found = next((each for each in draws if self._fits(self._table.count(each.cells))), None)
        if found is None:
            raise UserError(
                f"{self._in_words()}: none of {MOST_DRAWS:,} random generators is of that size; "
                "allow a larger search.strategy.tolerance"
            )
        return found

    def _draw(self, network: Network, number: int) -> Genotype:
        from trainers.noise import seed_for

        seed = seed_for(self._seed, f"random {network}", self.state.step, number)
        drawn = sample_genotype(network, seed, self._space.name)
        return drawn.model_copy(update={"provenance": None})  # a run's genotypes name the run

    def _fits(self, parameters: int) -> bool:
        wanted = self._options.parameters
        return wanted is None or abs(parameters - wanted) <= self._options.tolerance * wanted

    def _require_possible(self) -> None:
        smallest, largest = size_range(self._space, self._table)
        wanted, tolerance = self._options.parameters, self._options.tolerance
        if wanted and not (wanted * (1 - tolerance) <= largest and wanted * (1 + tolerance) >= smallest):
            raise UserError(
                f"{self._in_words()}: generators of these widths have {smallest:,} to {largest:,}; use a "
                "number between, or other search.generator.channels"
            )

    def _in_words(self) -> str:
        return f"search.strategy.parameters = {self._options.parameters}"


def size_range(space: SearchSpace, table: ParameterTable) -> tuple[int, int]:
    """Parameters of the smallest and of the largest generator of a space."""
    extremes = [list(_extremes(space, cell, edges)) for cell, edges in enumerate(table.cells)]
    smallest, largest = (sum(map(extreme, extremes)) for extreme in (min, max))
    return table.fixed + smallest, table.fixed + largest


def _extremes(space: SearchSpace, cell: int, edges: tuple[Mapping[str, int], ...]) -> Iterator[int]:
    """Sizes of valid cells whose every edge is none, or the smallest or largest of its other primitives."""
    choices = []
    for edge in edges:
        by_size = sorted(edge.keys() - {NONE}, key=edge.__getitem__)
        choices.append({*({NONE} & edge.keys()), by_size[0], by_size[-1]})
    for names in product(*choices):
        if space.fault(space.cells_of("generator")[cell], names) is None:
            yield sum(edge[name] for edge, name in zip(edges, names, strict=True))
