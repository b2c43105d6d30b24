"""The registered search spaces. Imports no torch."""

from collections.abc import Mapping

from search_space.errors import GenotypeError
from search_space.space import SearchSpace, shortened
from search_space.spaces.adversarialnas import ADVERSARIALNAS

SPACES: Mapping[str, SearchSpace] = {
    "adversarialnas": ADVERSARIALNAS,
}


def find_space(name: str) -> SearchSpace:
    """A registered space.

    Raises:
        GenotypeError: there is none of this name.
    """
    if name not in SPACES:
        raise GenotypeError(f"unknown space {shortened(name)}; known: {', '.join(SPACES)}")
    return SPACES[name]
