"""The zoo: genotypes that papers have published, under their names, with what they scored."""

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


def generator(*cells: str) -> Genotype:
    """A generator of AdversarialNAS's space; a cell is one line of primitives, one an edge.

    Names, not the published indices: these mean the same whatever vocabularies become.
    """
    return Genotype(network="generator", cells=tuple(tuple(cell.split()) for cell in cells))


def discriminator(*cells: str) -> Genotype:
    """A discriminator of that space."""
    return Genotype(network="discriminator", cells=tuple(tuple(cell.split()) for cell in cells))


PUBLISHED: Mapping[str, PublishedGenotype] = {
    "adversarialnas": PublishedGenotype(
        generator(
            "bilinear bilinear skip_connect none conv_3x3 conv_3x3 skip_connect",
            "bilinear bilinear none skip_connect conv_3x3 conv_3x3 conv_3x3",
            "nearest bilinear none conv_3x3 conv_3x3 none conv_3x3",
        ),
        ADVERSARIALNAS,
        expected_parameters=8_846_851,
        results=(results_of("AdversarialNAS", "cifar10"), results_of("AdversarialNAS", "stl10")),
        note="searched on CIFAR-10 and transferred to STL-10 at 270 channels (8,881,923 parameters)",
    ),
    "eagan": PublishedGenotype(
        generator(
            "bilinear bilinear skip_connect none conv_1x1 conv_3x3 skip_connect",
            "bilinear bilinear none skip_connect conv_3x3 none dil_conv_3x3",
            "nearest bilinear none conv_3x3 none none conv_3x3",
        ),
        EAGAN,
        expected_parameters=7_142_403,
        results=(results_of("EAGAN", "cifar10"),),
        note="trained against EAGAN's own discriminator; its STL-10 figure could not be tied to this one",
    ),
    "mmd_adversarialnas": PublishedGenotype(
        generator(
            "nearest bilinear conv_3x3 conv_5x5 dil_conv_5x5 conv_5x5 skip_connect",
            "bilinear bilinear conv_5x5 none dil_conv_3x3 dil_conv_3x3 conv_3x3",
            "nearest bilinear conv_5x5 dil_conv_3x3 dil_conv_5x5 conv_5x5 conv_5x5",
        ),
        MMD_ADVERSARIALNAS,
        expected_parameters=20_185_859,
        results=(results_of("MMD-AdversarialNAS", "cifar10"),),
    ),
    "ewsgan": PublishedGenotype(
        generator(
            "nearest bilinear conv_5x5 dil_conv_3x3 conv_3x3 conv_5x5 skip_connect",
            "nearest ConvTranspose conv_1x1 dil_conv_3x3 conv_1x1 skip_connect none",
            "ConvTranspose bilinear dil_conv_3x3 dil_conv_3x3 conv_5x5 none conv_5x5",
        ),
        EWSGAN,
        expected_parameters=13_766_915,
        results=(results_of("EWSGAN", "cifar10"),),
        note="its STL-10 figure could not be tied to this one",
    ),
    "cagan_top1": PublishedGenotype(
        generator(
            "bilinear bilinear skip_connect skip_connect conv_3x3 dil_conv_3x3 skip_connect",
            "bilinear bilinear conv_1x1 conv_1x1 conv_3x3 conv_3x3 conv_3x3",
            "bilinear bilinear conv_1x1 conv_1x1 dil_conv_3x3 conv_1x1 conv_3x3",
        ),
        CAGAN,
        expected_parameters=8_585_731,
        results=(results_of("CAGAN", "stl10"),),
        note="CAGAN's STL-10 network; its CIFAR-10 figures could not be tied to top 1 or top 2",
    ),
    "cagan_top2": PublishedGenotype(
        generator(
            "bilinear bilinear skip_connect skip_connect conv_3x3 dil_conv_3x3 skip_connect",
            "bilinear bilinear conv_1x1 conv_1x1 none conv_3x3 skip_connect",
            "bilinear bilinear conv_1x1 conv_1x1 dil_conv_3x3 conv_1x1 conv_3x3",
        ),
        CAGAN,
        expected_parameters=7_405_571,
        note="CAGAN's CIFAR-10 figures could not be tied to top 1 or top 2",
    ),
    "adversarialnas_discriminator": PublishedGenotype(
        discriminator(
            "conv_5x5 conv_1x1 conv_3x3 conv_5x5 conv_5x5 conv_5x5 conv_5x5",
            "conv_5x5 skip_connect none none conv_3x3 dil_conv_5x5 conv_5x5",
            "skip_connect skip_connect skip_connect dil_conv_3x3 dil_conv_5x5 dil_conv_5x5 dil_conv_5x5",
            "dil_conv_3x3 none none skip_connect skip_connect max_pool max_pool",
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
