import pytest
import torch

from search_space.genotype import Genotype, GenotypeError
from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import Generator
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
GENERATORS = [name for name, published in PUBLISHED.items() if published.genotype.network == "generator"]


@pytest.mark.parametrize("name", ROWS)
def test_rows_are_the_published_ones(name):
    assert PUBLISHED[name].genotype.rows == ROWS[name]


@pytest.mark.parametrize("name", GENERATORS)
def test_the_derived_network_has_as_many_parameters_as_published(name):
    with torch.device("meta"):
        network = Generator(GeneratorConfig(channels=256), PUBLISHED[name].genotype)
    assert sum(parameter.numel() for parameter in network.parameters()) == PUBLISHED[name].expected_parameters


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
