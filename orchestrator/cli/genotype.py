"""`advnas genotype`: architectures as text, drawing and file."""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from orchestrator.cli.run import as_json
from search_space.genotype import Genotype, GenotypeError
from search_space.spaces.registry import find_space
from search_space.zoo.published import PUBLISHED, find_genotype


def run(arguments: argparse.Namespace) -> None:
    """Do what the arguments say.

    Raises:
        UserError: an unknown genotype, a damaged file, an unknown suffix, a folder that does not exist.
    """
    ACTIONS[arguments.action](arguments)


def show(arguments: argparse.Namespace) -> None:
    """Print one genotype and what its network costs."""
    genotype = _found(arguments.source, arguments)
    from orchestrator.artifacts.cost import cost_in_words, network_cost

    found = network_cost(genotype, arguments.channels, arguments.bottom_width, arguments.latent_parts)
    if arguments.json:
        print(as_json({"genotype": genotype, "hash": genotype.content_hash, **found}))
    else:
        print(*in_words(genotype), *cost_in_words(found), sep="\n")


def draw(arguments: argparse.Namespace) -> None:
    """Draw one genotype, or one beside another."""
    genotype = _found(arguments.source, arguments)
    highlight = _found(arguments.compare, arguments) if arguments.compare else None
    from orchestrator.plots.genotype import save_drawing

    _write(arguments.target, lambda path: save_drawing(genotype, path, highlight))


def list_published(arguments: argparse.Namespace) -> None:
    """Print the zoo, or all published results."""
    from orchestrator.artifacts import published as zoo

    if arguments.json:
        print(as_json(zoo.results() if arguments.results else zoo.genotypes()))
    else:
        print(*(zoo.results_in_words() if arguments.results else zoo.genotypes_in_words()), sep="\n")


def convert(arguments: argparse.Namespace) -> None:
    """Write a genotype in the other format."""
    _write(arguments.target, _found(arguments.source, arguments).save)


def _found(reference: str, arguments: argparse.Namespace) -> Genotype:
    """A genotype by published name, path, or the name of the run that searched it."""
    if reference in PUBLISHED or Path(reference).suffix in (".json", ".npy"):
        return find_genotype(reference)
    from orchestrator.artifacts.genotypes import searched_genotypes

    genotype = searched_genotypes(Path(arguments.root) / reference).get(arguments.network)
    if genotype is None:
        raise GenotypeError(
            f"unknown genotype {reference!r}: neither published ({', '.join(PUBLISHED)}) nor a .json or .npy "
            f"file, and no run of this name in {arguments.root} has searched a {arguments.network}"
        )
    return genotype


def _write(target: str, write: Callable[[Path], None]) -> None:
    try:
        write(Path(target))
    except OSError as error:
        raise GenotypeError(
            f"{target}: {error.strerror}; name a file in a folder that can be written"
        ) from None
    print(target)


ACTIONS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "show": show,
    "draw": draw,
    "list": list_published,
    "convert": convert,
}


def in_words(genotype: Genotype) -> Iterator[str]:
    """The genotype as lines: its identity, then every edge with its primitive."""
    yield f"{genotype.network} {genotype.content_hash}"
    yield f"rows {json.dumps(genotype.rows)}"
    if genotype.provenance:
        values = genotype.provenance.model_dump(exclude_none=True)
        yield "from " + ", ".join(f"{name} {value}" for name, value in values.items())
    cells = find_space(genotype.space).cells_of(genotype.network)
    for number, (edges, names) in enumerate(zip(cells, genotype.cells, strict=True), 1):
        yield f"cell {number}"
        for edge, name in zip(edges, names, strict=True):
            yield f"  {edge.name}  {edge.source} -> {edge.target}  {name}"
