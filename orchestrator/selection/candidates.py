"""Who is compared: genotypes of searches and files, and as controls random and published ones."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestrator.artifacts.cost import generator_cost
from orchestrator.artifacts.genotypes import searched_genotypes
from orchestrator.artifacts.resolve import Meant, resolve, search_folders
from orchestrator.checkpoints.derivations import derived_generators
from orchestrator.config.errors import ConfigError
from orchestrator.config.selection import SelectStage
from orchestrator.selection.curves import genotype_id
from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig
from search_space.sampling import sample_genotype
from search_space.space import DEFAULT_SPACE
from search_space.zoo.published import PUBLISHED, find_genotype
from trainers.noise import seed_for

Named = tuple[str, Genotype]
"""What people call a candidate, and its genotype."""


def collect(
    select: SelectStage, root: Path, own: Path | None, seed: int, space: str = DEFAULT_SPACE
) -> dict[str, Named]:
    """All candidates by id; of equal genotypes the first stays. `own` is the folder of the run's own search.

    Random candidates are drawn from `space`.

    Raises:
        ConfigError: a search that is none, a discriminator's genotype, or nobody at all.
    """
    found: dict[str, Named] = {}
    for name, genotype in _all(select, root, own, seed, space):
        if genotype.network != "generator":
            raise ConfigError(f"select.searches: {name} is a discriminator's; name a generator's")
        found.setdefault(genotype_id(genotype), (name, genotype))
    if not found:
        raise ConfigError("select: no candidates; give select.searches, select.random or select.zoo")
    return found


LIMITS = {"max_parameters": "parameters", "max_multiply_adds": "multiply_adds", "max_latency": "seconds"}
"""Option -> what it limits."""
COSTS_FILE = "costs.json"


def within_limits(
    candidates: Mapping[str, Named], select: SelectStage, config: GeneratorConfig, folder: Path
) -> dict[str, Named]:
    """Those whose networks are small and fast enough. Measurements stay in the folder, and count again.

    Raises:
        ConfigError: nobody is, with the smallest limit that somebody would meet.
    """
    limits = {
        cost: limit for option, cost in LIMITS.items() if (limit := getattr(select, option)) is not None
    }
    if not limits:
        return dict(candidates)
    costs = _costs(candidates, config, "seconds" in limits, folder / COSTS_FILE)
    met = {
        id: named
        for id, named in candidates.items()
        if all(costs[id][cost] <= limit for cost, limit in limits.items())
    }
    if not met:
        raise ConfigError(_unmet(costs, limits, candidates))
    return met


def _costs(
    candidates: Mapping[str, Named], config: GeneratorConfig, timed: bool, file: Path
) -> dict[str, dict[str, float]]:
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    costs = {
        id: known[id]
        if id in known and (not timed or "seconds" in known[id])
        else generator_cost(config, genotype, timed)
        for id, (_, genotype) in candidates.items()
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**known, **costs}, indent=1), encoding="utf-8")
    return costs


def _unmet(
    costs: Mapping[str, Mapping[str, float]], limits: Mapping[str, float], candidates: Mapping[str, Named]
) -> str:
    """By the candidate that misses its worst limit by the smallest factor."""
    option = {cost: option for option, cost in LIMITS.items()}

    def excess(id: str) -> float:
        return max(costs[id][cost] / limit for cost, limit in limits.items())

    nearest = min(costs, key=excess)
    missed = [cost for cost, limit in limits.items() if costs[nearest][cost] > limit]
    cures = " and ".join(f"select.{option[cost]} {costs[nearest][cost]:.6g}" for cost in missed)
    given = ", ".join(f"select.{option[cost]} = {limit:g}" for cost, limit in limits.items())
    return f"{given}: none of {len(costs)} candidates meets it; {candidates[nearest][0]} would meet {cures}"


def _all(select: SelectStage, root: Path, own: Path | None, seed: int, space: str) -> Iterator[Named]:
    if own:
        yield from _derived(own, "search", select.limit)
    for source in select.searches:
        yield from _searched(source, root, select.limit)
    for name in select.zoo:
        yield name, PUBLISHED[name].genotype
    for number in range(select.random):
        yield f"random {number + 1}", sample_genotype("generator", seed_for(seed, "select", number), space)


def _searched(source: str, root: Path, limit: int) -> Iterator[Named]:
    match resolve(source, root, ("searched run", "genotype file")):
        case Meant("searched run", run):
            for folder in search_folders(run):
                yield from _derived(folder, source, limit)
        case Meant("genotype file", path):
            yield path.stem, find_genotype(source)
        case _:
            raise ConfigError(
                f"select.searches: {source}: no run in {root} has searched so; give one that has, or a file"
            )


def _derived(folder: Path, run: str, limit: int) -> Iterator[Named]:
    """The last distinct ones; of a search that recorded none on its way, the one it ended with."""
    derived = derived_generators(folder, run) or [searched_genotypes(folder)["generator"]]
    for genotype in derived[:limit]:
        step = genotype.provenance and genotype.provenance.step
        yield (run if step is None else f"{run} step {step}"), genotype
