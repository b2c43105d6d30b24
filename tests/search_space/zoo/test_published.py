import pytest
import torch

from search_space.genotype import Genotype, GenotypeError, build
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.spaces.alphagan import cells_of
from search_space.spaces.autogan import rows_of
from search_space.spaces.registry import SPACES
from search_space.zoo.published import PUBLISHED, find_genotype
from search_space.zoo.results import RESULTS

ROWS = {
    "adversarialnas": ((1, 1, 1, 0, 3, 3, 1), (1, 1, 0, 1, 3, 3, 3), (0, 1, 0, 3, 3, 0, 3)),
    "eagan": ((1, 1, 1, 0, 2, 3, 1), (1, 1, 0, 1, 3, 0, 5), (0, 1, 0, 3, 0, 0, 3)),
    "mmd_adversarialnas": ((0, 1, 3, 4, 6, 4, 1), (1, 1, 4, 0, 5, 5, 3), (0, 1, 4, 5, 6, 4, 4)),
    "ewsgan": ((0, 1, 4, 5, 3, 4, 1), (0, 2, 2, 5, 2, 1, 0), (2, 1, 5, 5, 4, 0, 4)),
    "cagan_top1": ((1, 1, 1, 1, 3, 5, 1), (1, 1, 2, 2, 3, 3, 3), (1, 1, 2, 2, 5, 2, 3)),
    "cagan_top2": ((1, 1, 1, 1, 3, 5, 1), (1, 1, 2, 2, 0, 3, 1), (1, 1, 2, 2, 5, 2, 3)),
}
AUTOGAN = {
    "autogan_a": (1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 3),
    "autogan_b": (1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 3),
    "autogan_c": (1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 3),
    "e2gan": (0, 1, 0, 1, 0, 1, 2, 1, 0, 0, 1, 0, 1, 2),
}
LARGER = {
    "autogan_a": 5_065_731,
    "autogan_b": 5_131_523,
    "autogan_c": 5_066_755,
    "e2gan": 5_527_811,
    "alphagan_s": 3_613_187,
    "alphagan_l": 9_278_979,
}
"""Parameters of generators of 48x48 images."""

COUNTED = [name for name, published in PUBLISHED.items() if published.expected_parameters]


@pytest.mark.parametrize("name", AUTOGAN)
def test_vectors_of_autogans_space_are_the_published_ones(name):
    genotype = PUBLISHED[name].genotype
    assert tuple(gene for row in genotype.rows for gene in row) == AUTOGAN[name]
    assert Genotype.from_rows("generator", rows_of(AUTOGAN[name]), space="autogan") == genotype


def test_a_vector_of_another_length_is_refused():
    with pytest.raises(GenotypeError, match="13 integers given; a genotype of autogan has 14"):
        rows_of(AUTOGAN["e2gan"][:-1])


def test_alphagans_released_form_is_read():
    normal = {
        "cell_1": [("conv_1x1", 0), ("sep_conv_3x3", 1), ("conv_1x1", 2)],
        "cell_2": [("sep_conv_5x5", 0), ("sep_conv_3x3", 1), ("sep_conv_3x3", 2)],
        "cell_3": [("sep_conv_5x5", 0), ("sep_conv_3x3", 1), ("sep_conv_3x3", 2)],
    }
    up = {
        "cell_1": [("bilinear", 0), ("deconv", 1)],
        "cell_2": [("deconv", 0), ("deconv", 1)],
        "cell_3": [("deconv", 0), ("nearest", 1)],
    }
    found = cells_of(normal, up, [("nearest", 0)], [("deconv", 0), ("bilinear", 1)])
    assert found == PUBLISHED["alphagan_s"].genotype.cells


@pytest.mark.parametrize("name", ROWS)
def test_rows_are_the_published_ones(name):
    assert PUBLISHED[name].genotype.rows == ROWS[name]


@pytest.mark.parametrize("name", COUNTED)
def test_the_derived_network_has_as_many_parameters_as_published(name):
    assert parameters(name) == PUBLISHED[name].expected_parameters


@pytest.mark.parametrize("name", LARGER)
def test_so_has_that_of_48_pixels(name):
    assert parameters(name, bottom_width=6) == LARGER[name]


def parameters(name: str, bottom_width: int = 4) -> int:
    genotype = PUBLISHED[name].genotype
    space = SPACES[genotype.space]
    config = GeneratorConfig(
        channels=256,
        latent_dim=space.latent_dim,
        latent_parts=space.latent_parts,
        bottom_width=bottom_width,
    )
    with torch.device("meta"):
        is_generator = genotype.network == "generator"
        network = build(genotype, config if is_generator else DiscriminatorConfig(channels=128))
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_headline_result_stands_beside_its_genotype():
    cifar10, stl10 = PUBLISHED["adversarialnas"].results
    assert (cifar10.fid, cifar10.inception_score, cifar10.inception_score_std) == (10.87, 8.74, 0.07)
    assert (stl10.fid, stl10.inception_score, stl10.inception_score_std) == (26.98, 9.63, 0.19)


def test_every_genotype_without_results_says_why():
    assert all(published.note for published in PUBLISHED.values() if not published.results)


def test_results_name_their_protocol_and_source_and_appear_once():
    assert all(result.protocol and result.source for result in RESULTS)
    assert len({(result.method, result.dataset) for result in RESULTS}) == len(RESULTS)


def test_a_genotype_is_found_by_name_or_by_path(tmp_path):
    assert find_genotype("eagan").rows == ROWS["eagan"]
    path = tmp_path / "mine.json"
    PUBLISHED["ewsgan"].genotype.save(path)
    assert find_genotype(str(path)) == Genotype.load(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("adversarialnass", "unknown genotype 'adversarialnass'; known: adversarialnas, eagan"),
        ("nowhere/mine.json", "no such file"),
    ],
)
def test_an_unknown_name_and_a_missing_file_are_refused_with_the_cure(name, message):
    with pytest.raises(GenotypeError, match=message):
        find_genotype(name)
