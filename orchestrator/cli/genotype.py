"""`advnas genotype`: architectures as text, drawing and file."""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.arguments import Parser, add_json, add_root, at_least_one, describe
from orchestrator.cli.commands import COMMANDS
from orchestrator.cli.stage import as_json
from orchestrator.console.exit_codes import DONE
from search_space.genotype import Genotype, GenotypeError
from search_space.space import DEFAULT_SPACE
from search_space.spaces.registry import SPACES, find_space
from search_space.topology import Edge
from search_space.zoo.published import PUBLISHED, find_genotype
from search_space.zoo.released_forms import read_released

if TYPE_CHECKING:
    from orchestrator.artifacts.resolve import Meant

WIDTHS = {
    "--channels": "width the cost is told for (default: a run's own; 256 of a generator, 128 of D)",
    "--bottom-width": "images are 8 x this (default: a run's own, else 4)",
    "--latent-parts": "of a generator: parts that z is cut into (default: a run's own, else as published)",
}


EXAMPLES = {
    "genotype": ("advnas genotype list", "advnas genotype draw adversarialnas drawing.svg"),
    "genotype show": (
        "advnas genotype show eagan",
        "advnas genotype show adversarialnas --channels 270 --bottom-width 6 --latent-parts 2",
        "advnas genotype show my/genotype.json --json",
    ),
    "genotype draw": (
        "advnas genotype draw adversarialnas drawing.png",
        "advnas genotype draw adversarialnas differences.svg --compare eagan",
    ),
    "genotype list": (
        "advnas genotype list",
        "advnas genotype list --space autogan",
        "advnas genotype list --results",
        "advnas genotype list --json",
    ),
    "genotype convert": (
        "advnas genotype convert best_gen.npy genotype.json",
        "advnas genotype convert adversarialnas best_gen.npy",
        "advnas genotype convert '1 0 1 1 1 0 0 1 1 1 0 1 0 3' genotype.json --space autogan",
        "advnas genotype convert best_dis.npy genotype.json --space eagan",
    ),
}


def add_arguments(parser: Parser, name: str) -> None:
    """Each action has arguments of its own; `genotype` alone has the actions' names."""
    describe(parser, COMMANDS[name].about, EXAMPLES[name])
    if name == "genotype":
        parser.add_argument("action", metavar="ACTION", choices=[each.split()[1] for each in ACTIONS])
    elif name == "genotype list":
        parser.add_argument(
            "--results", action="store_true", help="all published results, other methods' too"
        )
        parser.add_argument("--space", choices=tuple(SPACES), help="genotypes of this space only")
        add_json(parser)
    else:
        _add_source(parser)
        ARGUMENTS[name](parser)


def _add_source(parser: Parser) -> None:
    source = "a name of the list, a .json or .npy file, or the name of a run"
    parser.add_argument("source", metavar="GENOTYPE", help=source)
    add_root(parser)
    parser.add_argument(
        "--network",
        choices=("generator", "discriminator"),
        default="generator",
        help="which genotype of a run (default: generator)",
    )
    parser.add_argument(
        "--space",
        choices=tuple(SPACES),
        help="GENOTYPE is in the form that was released for this space: a .npy file, for autogan 14 integers "
        "in quotes, for alphagan its fields as .json",
    )


def _add_show(parser: Parser) -> None:
    for option, text in WIDTHS.items():
        parser.add_argument(option, type=at_least_one, metavar="N", help=text)
    add_json(parser)


def _add_draw(parser: Parser) -> None:
    parser.add_argument("target", metavar="FILE", help=".png or .svg")
    parser.add_argument("--compare", metavar="GENOTYPE", help="mark the edges on which this one differs")


def _add_convert(parser: Parser) -> None:
    parser.add_argument("target", metavar="FILE", help=".json or .npy")


ARGUMENTS: Mapping[str, Callable[[Parser], None]] = {
    "genotype show": _add_show,
    "genotype draw": _add_draw,
    "genotype convert": _add_convert,
}


def run(arguments: argparse.Namespace) -> int:
    """Do what the arguments say.

    Raises:
        UserError: an unknown genotype, a damaged file, an unknown suffix, a folder that does not exist.
    """
    ACTIONS[arguments.command](arguments)
    return DONE


def show(arguments: argparse.Namespace) -> None:
    """Print one genotype and what its network costs."""
    genotype = _found(arguments.source, arguments)
    from orchestrator.artifacts.cost import cost_in_words, network_cost

    own = _own_width(arguments, genotype)
    widths = {
        name: given if (given := getattr(arguments, name)) is not None else own.get(name)
        for name in COST_OPTIONS
    }
    others = {name: own.get(name) for name in ("image_channels", "latent_dim")}
    found = network_cost(genotype, **widths, **others)
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
        print(as_json(zoo.results() if arguments.results else zoo.genotypes(arguments.space)))
    elif arguments.results:
        print(*zoo.results_in_words(), sep="\n")
    else:
        print(*zoo.genotypes_in_words(arguments.space), sep="\n")


def convert(arguments: argparse.Namespace) -> None:
    """Write a genotype in the other format."""
    _write(arguments.target, _found(arguments.source, arguments).save)


def _found(reference: str, arguments: argparse.Namespace) -> Genotype:
    """A genotype by published name, path, or the name of the run that searched it; or in a released form."""
    if arguments.space and reference == arguments.source:
        return read_released(reference, arguments.space)
    meant = _meant(reference, arguments)
    if meant and meant.kind in ("published", "genotype file"):
        return find_genotype(reference)
    from orchestrator.artifacts.genotypes import searched_genotypes

    genotype = searched_genotypes(meant.path).get(arguments.network) if meant else None
    if genotype is None:
        raise GenotypeError(
            f"unknown genotype {reference!r}: neither published ({', '.join(PUBLISHED)}) nor a .json or .npy "
            f"file, and no run of this name in {arguments.root} has searched a {arguments.network}"
        )
    return genotype


def _meant(reference: str, arguments: argparse.Namespace) -> "Meant | None":
    from orchestrator.artifacts.resolve import resolve
    from orchestrator.artifacts.stored_root import readable_root

    with readable_root(arguments.root, (reference,)) as root:
        return resolve(reference, root, ("published", "genotype file", "searched run", "selected run"))


def _own_width(arguments: argparse.Namespace, genotype: Genotype) -> Mapping[str, int]:
    """That of the run, where a run is meant."""
    from orchestrator.artifacts.genotypes import run_width

    meant = _meant(arguments.source, arguments)
    is_run = meant is not None and meant.kind in ("searched run", "selected run")
    return run_width(meant.path, genotype.network) if meant and is_run else {}


def _write(target: str, write: Callable[[Path], None]) -> None:
    try:
        write(Path(target))
    except OSError as error:
        raise GenotypeError(
            f"{target}: {error.strerror}; name a file in a folder that can be written"
        ) from None
    print(target)


COST_OPTIONS = ("channels", "bottom_width", "latent_parts")

ACTIONS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "genotype show": show,
    "genotype draw": draw,
    "genotype list": list_published,
    "genotype convert": convert,
}


def in_words(genotype: Genotype) -> Iterator[str]:
    """The genotype as lines: its identity, then every edge with its primitive."""
    space = "" if genotype.space == DEFAULT_SPACE else f" of {genotype.space}"
    yield f"{genotype.network}{space} {genotype.content_hash}"
    yield f"rows {json.dumps(genotype.listed)}"
    if genotype.provenance:
        values = genotype.provenance.model_dump(exclude_none=True)
        yield "from " + ", ".join(f"{name} {value}" for name, value in values.items())
    cells = find_space(genotype.space).cells_of(genotype.network)
    for number, (edges, names) in enumerate(zip(cells, genotype.cells, strict=True), 1):
        yield f"cell {number}"
        for edge, name in zip(edges, names, strict=True):
            yield f"  {edge.name}{_ends(edge)}  {name}"


def _ends(edge: Edge) -> str:
    """Its nodes; genes of whole blocks join none."""
    if edge.source == edge.target:
        return ""
    before = "" if edge.source_cell is None else f"cell {edge.source_cell + 1}: "
    return f"  {before}{edge.source} -> {edge.target}"
