"""The zoo: published genotypes under their names, with their published scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from search_space.genotype import Genotype, GenotypeError
from search_space.space import DEFAULT_SPACE
from search_space.topology import Network
from search_space.zoo.results import (
    ADVERSARIALNAS,
    ALPHAGAN,
    AUTOGAN,
    CAGAN,
    E2GAN,
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
    """Parameters of the network for 32x32 images, generators at 256 channels and discriminators at 128; None
    where no count is known."""
    results: tuple[PublishedResult, ...] = ()
    """Published results that could be tied to exactly this genotype."""
    note: str = ""


def generator(*cells: str, space: str = DEFAULT_SPACE) -> Genotype:
    """A generator; a cell is one line of primitives, one an edge.

    Names, not the published indices: these mean the same whatever vocabularies become.
    """
    return Genotype(space=space, network="generator", cells=tuple(tuple(cell.split()) for cell in cells))


def discriminator(*cells: str, space: str = DEFAULT_SPACE) -> Genotype:
    """A discriminator, in the same form."""
    return Genotype(space=space, network="discriminator", cells=tuple(tuple(cell.split()) for cell in cells))


HALVING_CELL = "conv_3x3 none conv_3x3 none conv_1x1 avg_pool avg_pool"
KEEPING_CELL = "conv_3x3 none conv_3x3 none skip_connect keep_size keep_size"
"""Residual blocks of AutoGAN's discriminator, in EAGAN's space."""

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
    "autogan_a": PublishedGenotype(
        generator(
            "pre none nearest conv_1x1",
            "pre none bilinear conv_1x1 cell_1",
            "pre none nearest none both",
            space="autogan",
        ),
        AUTOGAN,
        expected_parameters=4_405_251,
        results=(results_of("AutoGAN", "cifar10"), results_of("AutoGAN", "stl10")),
    ),
    "autogan_b": PublishedGenotype(
        generator(
            "pre none nearest conv_1x1",
            "pre none nearest conv_1x1 cell_1",
            "pre none nearest conv_1x1 both",
            space="autogan",
        ),
        AUTOGAN,
        expected_parameters=4_471_043,
        note="released beside autogan_a without scores",
    ),
    "autogan_c": PublishedGenotype(
        generator(
            "pre batch nearest conv_1x1",
            "pre none bilinear conv_1x1 cell_1",
            "pre none nearest none both",
            space="autogan",
        ),
        AUTOGAN,
        expected_parameters=4_406_275,
        note="released beside autogan_a without scores",
    ),
    "e2gan": PublishedGenotype(
        generator(
            "post batch bilinear conv_1x1",
            "post batch deconv conv_1x1 none",
            "post batch bilinear conv_1x1 cell_1",
            space="autogan",
        ),
        E2GAN,
        expected_parameters=4_867_331,
        results=(results_of("E2GAN", "cifar10"), results_of("E2GAN", "stl10")),
        note="retrained three times as long as AutoGAN",
    ),
    "alphagan_s": PublishedGenotype(
        generator(
            "bilinear deconv conv_1x1 sep_conv_3x3 conv_1x1",
            "deconv deconv sep_conv_5x5 sep_conv_3x3 sep_conv_3x3 nearest",
            "deconv nearest sep_conv_5x5 sep_conv_3x3 sep_conv_3x3 deconv bilinear",
            space="alphagan",
        ),
        ALPHAGAN,
        expected_parameters=2_952_707,
        note="its scores could not be confirmed",
    ),
    "alphagan_l": PublishedGenotype(
        generator(
            "deconv bilinear conv_5x5 conv_5x5 sep_conv_5x5",
            "deconv bilinear conv_5x5 conv_1x1 conv_3x3 nearest",
            "nearest bilinear conv_1x1 conv_5x5 sep_conv_3x3 bilinear nearest",
            space="alphagan",
        ),
        ALPHAGAN,
        expected_parameters=8_618_499,
        note="its scores could not be confirmed",
    ),
    "autogan_d": PublishedGenotype(
        discriminator(HALVING_CELL, KEEPING_CELL, KEEPING_CELL, space="eagan"),
        AUTOGAN,
        expected_parameters=1_053_824,
        note="AutoGAN's fixed discriminator as a point of EAGAN's space, whose search starts there",
    ),
    "eagan_cifar10": PublishedGenotype(
        discriminator(
            HALVING_CELL,
            "skip_connect none conv_3x3 none skip_connect keep_size keep_size",
            KEEPING_CELL,
            space="eagan",
        ),
        EAGAN,
        expected_parameters=906_240,
        note="the discriminator that EAGAN trains its CIFAR-10 generator against; not scored by itself",
    ),
    "eagan_stl10": PublishedGenotype(
        discriminator(
            HALVING_CELL,
            "conv_5x5 none conv_5x5 none skip_connect keep_size keep_size",
            KEEPING_CELL,
            space="eagan",
        ),
        EAGAN,
        expected_parameters=1_578_112,
        note="the discriminator that EAGAN trains its STL-10 generator against; not scored by itself",
    ),
}


def published_of(network: Network) -> tuple[str, ...]:
    """Names of the published generators, or of the discriminators."""
    return tuple(name for name, entry in PUBLISHED.items() if entry.genotype.network == network)


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
