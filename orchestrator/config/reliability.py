"""The settings of a reliability measurement: how many genotypes, how many seeds."""

from typing import Annotated

from pydantic import AfterValidator, Field, PositiveInt

from search_space.frozen import Frozen

FEWEST_GENOTYPES = 4
"""The interval of a rank correlation divides by the number of genotypes less three."""
FEWEST_SEEDS = 2
"""Noise is what separates two runs of one genotype."""


def _enough_genotypes(count: int) -> int:
    if count < FEWEST_GENOTYPES:
        raise ValueError(
            f"the interval of a correlation needs at least {FEWEST_GENOTYPES} genotypes; 24 say something"
        )
    return count


def _enough_seeds(count: int) -> int:
    if count < FEWEST_SEEDS:
        raise ValueError(f"to see noise, each genotype needs at least {FEWEST_SEEDS} seeds")
    return count


class ReliabilityConfig(Frozen):
    """Random genotypes, each trained to the end of `retrain` with several seeds."""

    genotypes: Annotated[PositiveInt, AfterValidator(_enough_genotypes)] = 24
    """Number of genotypes, drawn uniformly at random from the valid ones; the run's seed determines
    them."""
    seeds: Annotated[PositiveInt, AfterValidator(_enough_seeds)] = 2
    """Number of trainings of each genotype. Two show the noise; more genotypes are worth more than more
    seeds."""
    looks: PositiveInt = 10
    """Number of evaluations of each training, at equal distances, the last one at its end."""
    concurrent: PositiveInt | None = 1
    """Number of trainings at once. More than one run as tasks on Ray; null: as many as the cluster
    holds."""
    metric: str = Field(default="score", min_length=1)
    """A value as the evaluation of retraining reports it (`fid`, `fd_digits`, ...); `score` stands for its
    first."""
    collapse_multiple: Annotated[float, Field(gt=1)] = 5.0
    """A run that ends this many times worse than the median run has collapsed."""
