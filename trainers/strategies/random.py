"""Random search: the baseline that every other strategy has to beat. It trains nothing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.networks.config import NetworkConfig
from search_space.sampling import count_parameters, sample_genotype, size_range
from search_space.spaces.registry import find_space
from search_space.topology import Network
from search_space.zoo.published import find_genotype
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
    needs_mixtures: ClassVar[bool] = False
    parameters: PositiveInt | None = None
    """Trainable parameters of the generator at the widths of `search.generator`: genotypes are drawn anew
    until they are about that large. null: of any size."""
    like: str | None = None
    """A published generator, or a genotype's .json or .npy file: its size at these widths takes the place of
    `parameters`."""
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """By how much, as a share of `parameters`, a generator may be larger or smaller."""
    max_parameters: PositiveInt | None = None
    """Of the generator, at the widths of `search.generator`: larger ones are drawn anew. null: no limit."""

    @model_validator(mode="after")
    def _one_size(self) -> "RandomConfig":
        if self.parameters and self.like:
            raise ValueError("like: parameters gives the size already; use one of the two")
        return self

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
        self._wanted = options.parameters if options.like is None else size_of(options.like, setup.generator)
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
                "allow a larger search.strategy.tolerance or max_parameters"
            )
        return found

    def _draw(self, network: Network, number: int) -> Genotype:
        from trainers.noise import seed_for

        seed = seed_for(self._seed, f"random {network}", self.state.step, number)
        drawn = sample_genotype(network, seed, self._space.name)
        return drawn.model_copy(update={"provenance": None})  # a run's genotypes name the run

    def _fits(self, parameters: int) -> bool:
        wanted, most = self._wanted, self._options.max_parameters
        near = wanted is None or abs(parameters - wanted) <= self._options.tolerance * wanted
        return near and (most is None or parameters <= most)

    def _require_possible(self) -> None:
        smallest, largest = size_range(self._space, "generator", self._table)
        wanted, tolerance, most = self._wanted, self._options.tolerance, self._options.max_parameters
        if wanted and not (wanted * (1 - tolerance) <= largest and wanted * (1 + tolerance) >= smallest):
            raise UserError(
                f"{self._in_words()}: generators of these widths have {smallest:,} to {largest:,}; use a "
                "number between, or other search.generator.channels"
            )
        fewest = max(smallest, int(wanted * (1 - tolerance)) if wanted else 0)
        if most is not None and most < fewest:
            kind = "such a generator" if wanted else "the smallest generator of these widths"
            raise UserError(
                f"search.strategy.max_parameters = {most}: {kind} has at least {fewest:,}; allow as many, or "
                "use fewer search.generator.channels"
            )

    def _in_words(self) -> str:
        if self._options.like:
            return f"search.strategy.like = {self._options.like} ({self._wanted:,} parameters)"
        given = {name: getattr(self._options, name) for name in ("parameters", "max_parameters")}
        return ", ".join(f"search.strategy.{name} = {value}" for name, value in given.items() if value)


def size_of(source: str, widths: NetworkConfig) -> int:
    """Parameters of a named generator at these widths.

    Raises:
        UserError: there is none of that name, or it is a discriminator's.
    """
    genotype = find_genotype(source)
    if genotype.network != "generator":
        raise UserError(f"search.strategy.like = {source}: is a discriminator's; name a generator's")
    return count_parameters(genotype, widths)
