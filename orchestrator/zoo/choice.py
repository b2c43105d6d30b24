"""The published generators that can be trained under a recipe, and the reasons that exclude others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from orchestrator.artifacts.genotypes import with_named_discriminator
from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import Experiment
from orchestrator.selection.candidates import Named
from orchestrator.selection.curves import genotype_id
from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import derived_generator
from search_space.spaces.registry import find_space
from search_space.zoo.published import PUBLISHED, published_of


@dataclass(frozen=True)
class ZooPlan:
    """The trainings of published generators."""

    networks: Mapping[str, Named]
    """Generators by id."""
    left_out: Mapping[str, str]
    """Published name -> the reason why it does not fit the configuration."""
    opponent: Mapping[str, Genotype]
    """The discriminator's genotype, by network; empty if it is the fixed one."""
    seeds: range
    """The seeds, from the run's own on."""
    concurrent: int | None
    """Number of trainings at once; None: as many as the cluster holds."""


def zoo_plan(
    experiment: Experiment, names: Sequence[str] | None, seeds: int, concurrent: int | None
) -> ZooPlan:
    """The trainings of these published generators, or for None of all that fit.

    Raises:
        UserError: a name that is none of a published generator or does not fit; nobody fits; scores would be
            missing, or the discriminator.
    """
    retrain = experiment.retrain
    if not retrain.evaluation.every:
        raise ConfigError(
            f"retrain.evaluation.every = 0: networks are compared by their scores; use {retrain.steps}"
        )
    if retrain.discriminator.architecture == "derived":
        raise ConfigError(
            "retrain.discriminator.architecture = derived: no search precedes these trainings; use fixed, or "
            "name a published one"
        )
    for name in names or ():
        _require_published(name)
    size = experiment.data.image_size
    wanted = published_of("generator") if names is None else names
    found = {name: misfit(PUBLISHED[name].genotype, retrain.generator, size) for name in wanted}
    left_out = {name: reason for name, reason in found.items() if reason}
    if left_out and (names is not None or len(left_out) == len(found)):
        name, reason = next(iter(left_out.items()))
        raise ConfigError(f"{name} cannot be trained with this configuration: {reason}")
    return ZooPlan(
        networks={
            genotype_id(PUBLISHED[name].genotype): (name, PUBLISHED[name].genotype)
            for name, reason in found.items()
            if not reason
        },
        left_out=left_out,
        opponent=with_named_discriminator(experiment, {}),
        seeds=range(experiment.seed, experiment.seed + seeds),
        concurrent=concurrent,
    )


def misfit(genotype: Genotype, width: GeneratorConfig, image_size: int) -> str | None:
    """The reason why the network of a genotype does not make a configuration's images; None if it does."""
    import torch

    made = find_space(genotype.space).image_size(width)
    if made != image_size:
        made_in_words, wanted = f"{made}x{made}", f"{image_size}x{image_size}"
        return f"the space {genotype.space} makes images of {made_in_words}, those of data are {wanted}"
    try:
        with torch.device("meta"):
            derived_generator(width, genotype)
    except UserError as error:
        return f"the space {genotype.space}: {error}"
    return None


def _require_published(name: str) -> None:
    generators = published_of("generator")
    if name in generators:
        return
    if name in PUBLISHED:
        raise ConfigError(f"--names {name}: is a discriminator's; name generators: {', '.join(generators)}")
    near = get_close_matches(name, generators, n=1)
    cure = f"did you mean {near[0]}?" if near else f"known: {', '.join(generators)}"
    raise ConfigError(f"--names {name}: not published; {cure}")
