"""The ids of generators' genotypes in tables, journals and selections: JSON without spaces."""

import hashlib
import json

from search_space.genotype import Genotype
from search_space.space import DEFAULT_SPACE


def genotype_id(genotype: Genotype) -> str:
    """The id of a generator's genotype in selections and their tables: JSON without spaces.

    It holds the published rows of the default space; for anything else, the space and the names.
    """
    listed = genotype.listed
    if genotype.space != DEFAULT_SPACE or listed == genotype.cells:
        return as_json([[genotype.space], *genotype.cells])
    return as_json(listed)


def genotype_of(id: str) -> Genotype:
    """The genotype that an id stands for.

    Raises:
        GenotypeError: it names none.
    """
    rows = json.loads(id)
    if is_of_names(rows):
        return Genotype(space=rows[0][0], network="generator", cells=rows[1:])
    return Genotype.from_rows("generator", rows)


def short_name(genotype: str) -> str:
    """A genotype's id as a table has room for it, 1110331-1101333-0103303, if all indices have one digit."""
    if is_a_name(genotype):
        return genotype
    rows = json.loads(genotype)
    if is_of_names(rows):
        return f"{rows[0][0]} {hashlib.sha256(genotype.encode()).hexdigest()[:8]}"
    if all(0 <= index <= 9 for row in rows for index in row):
        return "-".join("".join(map(str, row)) for row in rows)
    return genotype


def is_a_name(genotype: str) -> bool:
    """Whether a table gives a genotype a name only, from which nobody can tell what it is made of."""
    return not genotype.lstrip().startswith(("[", "{"))


def as_json(rows: object) -> str:
    """The text that ids have for rows."""
    return json.dumps(rows, separators=(",", ":"))


def is_of_names(rows: list[list[object]]) -> bool:
    """Whether a space is named first, and then primitives."""
    return len(rows) > 1 and len(rows[0]) == 1 and all(isinstance(each, str) for row in rows for each in row)
