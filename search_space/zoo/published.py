"""The zoo: genotypes of this space that papers have published, under their names, with what they scored."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from search_space.genotype import Genotype, GenotypeError
from search_space.zoo.results import (
    ADVERSARIALNAS,
    CAGAN,
    EAGAN,
    EWSGAN,
    MMD_ADVERSARIALNAS,
    PublishedResult,
    results_of,
)


@dataclass(frozen=True)
class PublishedGenotype:
    """A genotype of the literature."""

    genotype: Genotype
    source: str
    expected_parameters: int | None = None
    """Of the derived network at 256 channels for 32x32 images; None where no count is known."""
    results: tuple[PublishedResult, ...] = ()
    """Those that could be tied to exactly this genotype."""
    note: str = ""


PUBLISHED: Mapping[str, PublishedGenotype] = {
    "adversarialnas": PublishedGenotype(
        Genotype.from_rows(
            "generator", [[1, 1, 1, 0, 3, 3, 1], [1, 1, 0, 1, 3, 3, 3], [0, 1, 0, 3, 3, 0, 3]]
        ),
        ADVERSARIALNAS,
        expected_parameters=8_846_851,
        results=(results_of("AdversarialNAS", "cifar10"), results_of("AdversarialNAS", "stl10")),
        note="searched on CIFAR-10 and transferred to STL-10 at 270 channels (8,881,923 parameters)",
    ),
    "eagan": PublishedGenotype(
        Genotype.from_rows(
            "generator", [[1, 1, 1, 0, 2, 3, 1], [1, 1, 0, 1, 3, 0, 5], [0, 1, 0, 3, 0, 0, 3]]
        ),
        EAGAN,
        expected_parameters=7_142_403,
        results=(results_of("EAGAN", "cifar10"),),
        note="trained against EAGAN's own discriminator; its STL-10 figure could not be tied to this one",
    ),
    "mmd_adversarialnas": PublishedGenotype(
        Genotype.from_rows(
            "generator", [[0, 1, 3, 4, 6, 4, 1], [1, 1, 4, 0, 5, 5, 3], [0, 1, 4, 5, 6, 4, 4]]
        ),
        MMD_ADVERSARIALNAS,
        expected_parameters=20_185_859,
        results=(results_of("MMD-AdversarialNAS", "cifar10"),),
    ),
    "ewsgan": PublishedGenotype(
        Genotype.from_rows(
            "generator", [[0, 1, 4, 5, 3, 4, 1], [0, 2, 2, 5, 2, 1, 0], [2, 1, 5, 5, 4, 0, 4]]
        ),
        EWSGAN,
        expected_parameters=13_766_915,
        results=(results_of("EWSGAN", "cifar10"),),
        note="its STL-10 figure could not be tied to this one",
    ),
    "cagan_top1": PublishedGenotype(
        Genotype.from_rows(
            "generator", [[1, 1, 1, 1, 3, 5, 1], [1, 1, 2, 2, 3, 3, 3], [1, 1, 2, 2, 5, 2, 3]]
        ),
        CAGAN,
        expected_parameters=8_585_731,
        results=(results_of("CAGAN", "stl10"),),
        note="CAGAN's STL-10 network; its CIFAR-10 figures could not be tied to top 1 or top 2",
    ),
    "cagan_top2": PublishedGenotype(
        Genotype.from_rows(
            "generator", [[1, 1, 1, 1, 3, 5, 1], [1, 1, 2, 2, 0, 3, 1], [1, 1, 2, 2, 5, 2, 3]]
        ),
        CAGAN,
        expected_parameters=7_405_571,
        note="CAGAN's CIFAR-10 figures could not be tied to top 1 or top 2",
    ),
    "adversarialnas_discriminator": PublishedGenotype(
        Genotype.from_rows(
            "discriminator",
            [[2, 0, 1, 4, 4, 3, 3], [4, 1, 0, 0, 3, 5, 3], [1, 1, 1, 5, 6, 5, 5], [5, 0, 0, 1, 1, 1, 1]],
        ),
        ADVERSARIALNAS,
        note="an example read off the search animation of AdversarialNAS, never scored by itself",
    ),
}


def find_genotype(name_or_path: str) -> Genotype:
    """A published genotype by its name, any other by the path of its file.

    Raises:
        GenotypeError: neither a known name nor a readable genotype file.
    """
    if name_or_path in PUBLISHED:
        return PUBLISHED[name_or_path].genotype
    if not Path(name_or_path).suffix:
        raise GenotypeError(
            f"unknown genotype {name_or_path!r}; known: {', '.join(PUBLISHED)}; or give a .json or .npy file"
        )
    return Genotype.load(Path(name_or_path))
