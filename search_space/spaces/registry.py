"""The registered search spaces. Imports no torch."""

from collections.abc import Mapping

from search_space.errors import GenotypeError
from search_space.space import SearchSpace, shortened
from search_space.spaces.adversarialnas import ADVERSARIALNAS
from search_space.spaces.alphagan import ALPHAGAN
from search_space.spaces.autogan import AUTOGAN
from search_space.spaces.eagan import EAGAN

SPACES: Mapping[str, SearchSpace] = {
    "adversarialnas": ADVERSARIALNAS,
    "autogan": AUTOGAN,
    "alphagan": ALPHAGAN,
    "eagan": EAGAN,
}


def find_space(name: str) -> SearchSpace:
    """A registered space.

    Raises:
        GenotypeError: there is none of this name.
    """
    if name not in SPACES:
        raise GenotypeError(f"unknown space {shortened(name)}; known: {', '.join(SPACES)}")
    return SPACES[name]
