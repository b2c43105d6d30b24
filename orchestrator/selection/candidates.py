"""The candidates of a selection: genotypes of searches and files and, as controls, random and published
ones."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, islice
from pathlib import Path

from orchestrator.artifacts.cost import generator_cost, generator_parameters
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
from trainers.files import written_whole
from trainers.noise import seed_for

Named = tuple[str, Genotype]
"""A candidate's name and its genotype."""


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


RANDOM = "random "
"""The beginning of the names of random candidates."""
LIMITS = {"max_parameters": "parameters", "max_multiply_adds": "multiply_adds", "max_latency": "seconds"}
"""Option -> what it limits."""
COSTS_FILE = "costs.json"


TRIES = 100
"""Random genotypes that are drawn in a row to find one within the limits."""


def within_limits(
    candidates: Mapping[str, Named], select: SelectStage, config: GeneratorConfig, folder: Path,
    seed: int = 0, space: str = DEFAULT_SPACE,
) -> dict[str, Named]:  # fmt: skip
    """The candidates whose networks are within the limits; random ones beyond them are drawn again.

    Measurements stay in the folder, and count again: the same are drawn after an interruption.

    Raises:
        ConfigError: nobody is, with the smallest limit that somebody would meet.
    """
    limits = {
        cost: limit for option, cost in LIMITS.items() if (limit := getattr(select, option)) is not None
    }
    if not limits:
        return dict(candidates)
    costs = Costs(config, limits, folder / COSTS_FILE)
    met = {id: named for id, named in candidates.items() if costs.meets(id, named[1])}
    first = {id for id, _ in islice(_random(seed, space), select.random)}
    # One that a search has found too is the search's.
    missing = sum(candidates[id][0].startswith(RANDOM) for id in first & (candidates.keys() - met.keys()))
    met |= _redrawn(missing, candidates, islice(_random(seed, space), select.random, None), costs)
    if not met:
        raise ConfigError(_unmet(costs.known_of(candidates), limits, candidates))
    return met


def _redrawn(
    missing: int, candidates: Mapping[str, Named], draws: Iterator[tuple[str, Named]], costs: "Costs"
) -> dict[str, Named]:
    """That many further random genotypes within the limits; fewer only if the space has no others."""
    found: dict[str, Named] = {}
    for _ in range(missing):
        failed: dict[str, Named] = {}
        for id, named in islice(draws, TRIES):
            if id in candidates or id in found:
                continue
            if costs.meets(id, named[1]):
                found[id] = named
                break
            failed[id] = named
        else:
            if failed:
                drawn = f"none of {len(failed)} random genotypes, drawn one after another,"
                raise ConfigError(_unmet(costs.known_of(failed), costs.limits, failed, drawn))
    return found


class Costs:
    """The costs of candidates, measured once and kept in a file."""

    def __init__(self, config: GeneratorConfig, limits: Mapping[str, float], file: Path) -> None:
        self.limits = limits
        self._config, self._file = config, file
        self._known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    def meets(self, id: str, genotype: Genotype) -> bool:
        """Whether it is within all limits."""
        if not self.limits.keys() <= self._known.get(id, {}).keys():
            self._known[id] = self._measured(genotype)
            with written_whole(self._file) as file:
                file.write(json.dumps(self._known, indent=1).encode())
        return all(self._known[id][cost] <= limit for cost, limit in self.limits.items())

    def known_of(self, candidates: Iterable[str]) -> dict[str, dict[str, float]]:
        """The costs of those candidates that were measured."""
        return {id: self._known[id] for id in candidates}

    def _measured(self, genotype: Genotype) -> dict[str, float]:
        if self.limits.keys() == {"parameters"}:  # a thousand times faster than counting products
            return {"parameters": generator_parameters(self._config, genotype)}
        return generator_cost(self._config, genotype, "seconds" in self.limits)


def _unmet(
    costs: Mapping[str, Mapping[str, float]], limits: Mapping[str, float], candidates: Mapping[str, Named],
    none: str = "",
) -> str:  # fmt: skip
    """The smallest limit, of the candidate that misses its worst limit by the smallest factor."""
    option = {cost: option for option, cost in LIMITS.items()}

    def excess(id: str) -> float:
        return max(costs[id][cost] / limit for cost, limit in limits.items())

    nearest = min(costs, key=excess)
    missed = [cost for cost, limit in limits.items() if costs[nearest][cost] > limit]
    cures = " and ".join(f"select.{option[cost]} {costs[nearest][cost]:.6g}" for cost in missed)
    given = ", ".join(f"select.{option[cost]} = {limit:g}" for cost, limit in limits.items())
    none = none or f"none of {len(costs)} candidates"
    return f"{given}: {none} meets it; {candidates[nearest][0]} would meet {cures}"


def _all(select: SelectStage, root: Path, own: Path | None, seed: int, space: str) -> Iterator[Named]:
    if own:
        yield from _derived(own, "search", select.limit)
    for source in select.searches:
        yield from _searched(source, root, select.limit)
    for name in select.zoo:
        yield name, PUBLISHED[name].genotype
    for _, named in islice(_random(seed, space), select.random):
        yield named


def _random(seed: int, space: str) -> Iterator[tuple[str, Named]]:
    """Random genotypes by id, without end, always the same for a seed."""
    for number in count():
        genotype = sample_genotype("generator", seed_for(seed, "select", number), space)
        yield genotype_id(genotype), (f"{RANDOM}{number + 1}", genotype)


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
    """The last distinct genotypes; if a search recorded none on its way, the one that it ended with."""
    derived = derived_generators(folder, run) or [searched_genotypes(folder)["generator"]]
    for genotype in derived[:limit]:
        step = genotype.provenance and genotype.provenance.step
        yield (run if step is None else f"{run} step {step}"), genotype
