"""Who is compared: genotypes of searches and files, and as controls random and published ones."""

from collections.abc import Iterator
from pathlib import Path

from orchestrator.artifacts.genotypes import search_folders, searched_genotypes
from orchestrator.checkpoints.derivations import derived_generators
from orchestrator.config.errors import ConfigError
from orchestrator.config.selection import SelectStage
from orchestrator.selection.curves import genotype_id
from search_space.genotype import Genotype
from search_space.sampling import sample_genotype
from search_space.zoo.published import PUBLISHED, find_genotype
from trainers.noise import seed_for

Named = tuple[str, Genotype]
"""What people call a candidate, and its genotype."""


def collect(select: SelectStage, root: Path, own: Path | None, seed: int) -> dict[str, Named]:
    """All candidates by id; of equal genotypes the first stays. `own` is the folder of the run's own search.

    Raises:
        ConfigError: a search that is none, a discriminator's genotype, or nobody at all.
    """
    found: dict[str, Named] = {}
    for name, genotype in _all(select, root, own, seed):
        if genotype.network != "generator":
            raise ConfigError(f"select.searches: {name} is a discriminator's; name a generator's")
        found.setdefault(genotype_id(genotype.rows), (name, genotype))
    if not found:
        raise ConfigError("select: no candidates; give select.searches, select.random or select.zoo")
    return found


def _all(select: SelectStage, root: Path, own: Path | None, seed: int) -> Iterator[Named]:
    if own:
        yield from _derived(own, "search", select.limit)
    for source in select.searches:
        yield from _searched(source, root, select.limit)
    for name in select.zoo:
        yield name, PUBLISHED[name].genotype
    for number in range(select.random):
        yield f"random {number + 1}", sample_genotype("generator", seed_for(seed, "select", number))


def _searched(source: str, root: Path, limit: int) -> Iterator[Named]:
    folders = search_folders(root / source)
    if folders:
        for folder in folders:
            yield from _derived(folder, source, limit)
    elif Path(source).suffix in (".json", ".npy"):
        yield Path(source).stem, find_genotype(source)
    else:
        raise ConfigError(
            f"select.searches: {source}: no run in {root} has searched so; give one that has, or a file"
        )


def _derived(folder: Path, run: str, limit: int) -> Iterator[Named]:
    """The last distinct ones; of a search that recorded none on its way, the one it ended with."""
    derived = derived_generators(folder, run) or [searched_genotypes(folder)["generator"]]
    for genotype in derived[:limit]:
        step = genotype.provenance and genotype.provenance.step
        yield (run if step is None else f"{run} step {step}"), genotype
