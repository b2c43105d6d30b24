"""Optuna's samplers by name."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeInt

from search_space.frozen import Frozen

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class SamplerConfig(Frozen):
    """The sampler that chooses configurations."""

    name: Literal["tpe", "random", "grid", "qmc", "cmaes", "nsga2"] = "tpe"
    """Sampler of Optuna; nsga2 is made for several objectives, cmaes takes one, grid needs `points`."""
    seed: NonNegativeInt = 0
    """Seed of the sampler; the seeds of the runs come from the base."""


def make_sampler(config: SamplerConfig, trial: int) -> "BaseSampler":
    """The sampler of that name, for the trial of that number.

    Each trial has random numbers of its own, so that a sweep that goes on chooses what an uninterrupted one
    would. The quasi-random sequence keeps its seed: the study knows how far it has come.
    """
    from trainers.noise import seed_for  # imports torch, which the options above do not need

    follows = trial and config.name != "qmc"
    seed = seed_for(config.seed, "sampler", trial) % 2**32 if follows else config.seed
    return SAMPLERS[config.name](seed)


def _tpe(seed: int) -> "BaseSampler":
    from optuna.samplers import TPESampler

    # Trials under way count as bad ones: several at once should not all go to the same place.
    return TPESampler(seed=seed, constant_liar=True)


def _random(seed: int) -> "BaseSampler":
    from optuna.samplers import RandomSampler

    return RandomSampler(seed)


def _qmc(seed: int) -> "BaseSampler":
    from optuna.samplers import QMCSampler

    return QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False)


def _cmaes(seed: int) -> "BaseSampler":
    from optuna.samplers import CmaEsSampler

    return CmaEsSampler(seed=seed, warn_independent_sampling=False)


def _nsga2(seed: int) -> "BaseSampler":
    from optuna.samplers import NSGAIISampler

    return NSGAIISampler(seed=seed)


SAMPLERS: Mapping[str, Callable[[int], "BaseSampler"]] = {
    "tpe": _tpe,
    "random": _random,
    "grid": _random,  # all points wait in the study's queue: there is nothing left to choose
    "qmc": _qmc,
    "cmaes": _cmaes,
    "nsga2": _nsga2,
}
