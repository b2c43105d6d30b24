"""Finding the candidates that a comparison names: published names, files, sweeps, runs, experiments."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.artifacts.cost import CHANNELS
from orchestrator.artifacts.resolve import Meant, resolve
from orchestrator.compare.candidate import Candidate, merged
from orchestrator.compare.from_mlflow import Store
from orchestrator.compare.from_sweep import sweep_candidates
from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig
from search_space.spaces.registry import find_space
from search_space.zoo.published import PUBLISHED, find_genotype


def candidates(names: Sequence[str], root: Path, tracking_uri: str) -> list[Candidate]:
    """All named candidates, each architecture under each recipe once.

    Raises:
        UserError: a name that means nothing, or nothing that can be compared.
    """
    store = Store(tracking_uri, root)
    return merged([each for name in names for each in _named(name, root, store)])


def _named(name: str, root: Path, store: Store) -> Iterator[Candidate]:
    match resolve(name, root, ("published", "genotype file", "sweep")):
        case Meant("published"):
            yield _published(name)
        case Meant("genotype file", path):
            yield _unscored(path.stem, find_genotype(name), name)
        case Meant("sweep", folder):
            yield from sweep_candidates(folder)
        case _:
            yield from _stored(name, root, store)


def _stored(name: str, root: Path, store: Store) -> list[Candidate]:
    """The candidates of a name that only MLflow may know: of its runs or experiments."""
    found = list(store.candidates(name))
    if not found:
        raise UserError(
            f"{name}: nothing of that name to compare; give a run that has retrained or selected, "
            f"a sweep or an experiment of {root}, runs:/ID, a genotype file, or a published name: "
            f"{', '.join(PUBLISHED)}"
        )
    return found


def _published(name: str) -> Candidate:
    entry = PUBLISHED[name]
    _require_generator(entry.genotype, name)
    dataset = entry.results[0].dataset if entry.results else "cifar10"
    return Candidate(name, entry.genotype, _published_width(entry.genotype), dataset, published=entry.results)


def _unscored(name: str, genotype: Genotype, source: str) -> Candidate:
    _require_generator(genotype, source)
    return Candidate(name, genotype, _published_width(genotype), "cifar10")


def _published_width(genotype: Genotype) -> GeneratorConfig:
    """The widths that the genotype's space was published with, for CIFAR-10."""
    space = find_space(genotype.space)
    return GeneratorConfig(
        channels=CHANNELS["generator"], latent_dim=space.latent_dim, latent_parts=space.latent_parts
    )


def _require_generator(genotype: Genotype, source: str) -> None:
    if genotype.network != "generator":
        raise UserError(f"{source}: is a discriminator's; generators are compared")
