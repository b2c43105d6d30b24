"""Genotypes in the form in which their repositories release them, read by space."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from search_space.errors import one_line
from search_space.genotype import Genotype, GenotypeError
from search_space.space import shortened
from search_space.spaces import alphagan, autogan

FIELDS = ("normal", "up", "skip_2", "skip_3")
"""The parts of a released genotype of alphaGAN: each holds pairs of a primitive and its edge."""


def read_released(source: str, space: str) -> Genotype:
    """A genotype of a space, of a released .npy file or of the form that the space's repository has.

    Raises:
        GenotypeError: not of that form, or of no network of the space.
    """
    if Path(source).suffix == ".npy" or space not in FORMS:
        return Genotype.load(Path(source), space)
    return FORMS[space](source)


def _integers(source: str) -> Genotype:
    try:
        vector = [int(each) for each in source.replace(",", " ").split()]
    except ValueError:
        raise GenotypeError(
            f"{shortened(source)}: a released genotype of autogan is 14 integers; give them as one argument, "
            "such as '1 0 1 1 1 0 0 1 1 1 0 1 0 3'"
        ) from None
    return Genotype.from_rows("generator", autogan.rows_of(vector), space="autogan")


def _fields(source: str) -> Genotype:
    try:
        fields = json.loads(Path(source).read_bytes())
        normal, up = ({cell: _pairs(edges) for cell, edges in fields[kind].items()} for kind in FIELDS[:2])
        cells = alphagan.cells_of(normal, up, *(_pairs(fields[skips]) for skips in FIELDS[2:]))
        return Genotype(space="alphagan", network="generator", cells=cells)
    except GenotypeError as error:
        raise GenotypeError(f"{source}: {error}") from error
    except OSError as error:
        raise GenotypeError(f"{source}: {error.strerror}; give a .json file") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise GenotypeError(
            f"{source}: no released genotype of alphagan ({one_line(error)}); expected a JSON object with "
            f"{', '.join(FIELDS)}"
        ) from error


def _pairs(edges: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """JSON has lists."""
    return [(name, edge) for name, edge in edges]


FORMS: Mapping[str, Callable[[str], Genotype]] = {"autogan": _integers, "alphagan": _fields}
