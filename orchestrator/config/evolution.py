"""How genotypes are bred, and what their fitness is."""

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from search_space.evolution.config import EvolutionConfig


class EvolveStage(EvolutionConfig):
    """Evolution over genotypes, which are scored beside each other."""

    fitness: Literal["inherited", "fine_tuning", "training"] = "inherited"
    """What a candidate is scored by: the weights it inherits from supernets, these after a few more steps, or
    a short training from scratch."""
    supernets: PositiveInt = 3
    """Of inherited and fine_tuning: trained as `search` says, each with a seed of its own; a candidate's
    fitness is the mean of their standardised scores."""
    of: tuple[str, ...] = ()
    """Runs of `root` whose one_shot search has trained supernets: these are taken instead."""
    steps: PositiveInt = 40
    """Of fine_tuning: with the rates of `search`; of training: a whole one, with the recipe of `retrain`."""
    seeds: PositiveInt = 1
    """Of training: how often each candidate is trained. Fitness is the mean of their standardised scores."""
    together: PositiveInt = 8
    """Children bred at once from the same population: decides what is found, which `concurrent` does not."""
    concurrent: PositiveInt | None = 1
    """Supernets, trainings and scorings at once: more than one run as tasks on Ray, null: as many as the
    cluster holds."""
    in_pipeline: bool = False
    """Whether a pipeline evolves generators instead of searching."""
    derivations: PositiveInt = 4
    """The best candidates that a selection is given."""
    distance: NonNegativeInt = Field(default=4)
    """Edges in which these differ from each other, at least."""

    @model_validator(mode="after")
    def _runs_have_supernets(self) -> "EvolveStage":
        if self.of and self.fitness == "training":
            raise ValueError("of: fitness training uses no supernets; use inherited or fine_tuning, or []")
        return self
