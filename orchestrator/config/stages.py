"""What a search and a retraining are told: their networks, their method and their scores."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, model_validator

from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.zoo.published import published_of
from trainers.config import RetrainConfig, SearchConfig
from trainers.metrics.config import EvaluationConfig


def _discriminator(architecture: str) -> str:
    known = ("fixed", "derived", *published_of("discriminator"))
    if architecture not in known and Path(architecture).suffix not in (".json", ".npy"):
        raise ValueError(f"must be one of {', '.join(known)}, or a .json or .npy file")
    return architecture


class SearchStage(SearchConfig):
    """A search: its networks, its method and its scores."""

    generator: GeneratorConfig
    discriminator: DiscriminatorConfig
    evaluation: EvaluationConfig

    @model_validator(mode="after")
    def _strategy_fits_the_space(self) -> "SearchStage":
        """Left to the whole experiment, which may search nothing."""
        return self


class RetrainDiscriminator(DiscriminatorConfig):
    """The discriminator of a retraining."""

    architecture: Annotated[str, AfterValidator(_discriminator)] = "fixed"
    """The fixed discriminator (AutoGAN's), the one derived by the search, or one by its genotype: a published
    name such as eagan_cifar10, or a .json or .npy file."""


class RetrainStage(RetrainConfig):
    """A retraining of one genotype: its networks, its method and its scores."""

    generator: GeneratorConfig
    discriminator: RetrainDiscriminator
    evaluation: EvaluationConfig
    genotype: str | None = None
    """The genotype to retrain: a published name, a .json or .npy file, a run in `root`, or an address of
    MLflow (runs:/ID or models:/NAME/VERSION). null: the genotype that the pipeline searched."""
