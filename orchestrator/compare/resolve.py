"""Who is meant by the words of a comparison: published names, files, sweeps, runs, experiments."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.artifacts.cost import CHANNELS
from orchestrator.compare.candidate import Candidate, merged
from orchestrator.compare.from_mlflow import Store
from orchestrator.compare.from_sweep import sweep_candidates
from orchestrator.sweep.results import FILE as SWEEP_TABLE
from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig
from search_space.zoo.published import PUBLISHED, find_genotype

PUBLISHED_WIDTH = GeneratorConfig(channels=CHANNELS["generator"])
"""For CIFAR-10."""


def candidates(names: Sequence[str], root: Path, tracking_uri: str) -> list[Candidate]:
    """Everyone named, each architecture under each recipe once.

    Raises:
        UserError: a name that means nothing, or nothing that can be compared.
    """
    store = Store(tracking_uri, root)
    return merged([each for name in names for each in _named(name, root, store)])


def _named(name: str, root: Path, store: Store) -> Iterator[Candidate]:
    if name in PUBLISHED:
        yield _published(name)
    elif Path(name).suffix in (".json", ".npy"):
        yield _unscored(Path(name).stem, find_genotype(name), name)
    elif (root / name / SWEEP_TABLE).is_file():
        yield from sweep_candidates(root / name)
    else:
        found = list(store.candidates(name))
        if not found:
            raise UserError(
                f"{name}: nothing of that name to compare; give a run that has retrained or selected, "
                f"a sweep or an experiment of {root}, runs:/ID, a genotype file, or a published name: "
                f"{', '.join(PUBLISHED)}"
            )
        yield from found


def _published(name: str) -> Candidate:
    entry = PUBLISHED[name]
    _require_generator(entry.genotype, name)
    dataset = entry.results[0].dataset if entry.results else "cifar10"
    return Candidate(name, entry.genotype, PUBLISHED_WIDTH, dataset, published=entry.results)


def _unscored(name: str, genotype: Genotype, source: str) -> Candidate:
    _require_generator(genotype, source)
    return Candidate(name, genotype, PUBLISHED_WIDTH, "cifar10")


def _require_generator(genotype: Genotype, source: str) -> None:
    if genotype.network != "generator":
        raise UserError(f"{source}: is a discriminator's; generators are compared")
