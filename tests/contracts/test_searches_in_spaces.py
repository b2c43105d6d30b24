"""Which strategies search which spaces, and that what they find is of the space they were given."""

from dataclasses import replace

import pytest
from pydantic import ValidationError
from torch import nn

from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig, NetworkConfig
from search_space.networks.discriminator import Discriminator
from search_space.networks.generator import Generator
from search_space.space import SearchSpace
from search_space.spaces.registry import SPACES
from search_space.topology import Network
from tests.trainers.small import SHORT, no_scores, search_batches, search_setup
from trainers.config import SearchConfig
from trainers.search import search

pytestmark = pytest.mark.usefixtures("unchecked_shapes")

FEW = {
    "normal": ("none", "conv_1x1", "conv_3x3"),
    "image": ("conv_1x1", "conv_3x3"),
    "up": ("bilinear", "nearest"),
    "down": ("avg_pool", "conv_3x3"),
}
"""The second space: the same cells, with fewer primitives, some in another order."""


def build(_: Network, config: NetworkConfig, genotype: Genotype | None = None, outputs: int = 1) -> nn.Module:
    if isinstance(config, GeneratorConfig):
        return Generator(config, genotype, space="few")
    return Discriminator(config, genotype, space="few", outputs=outputs)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> SearchSpace:
    known = SPACES["adversarialnas"]
    primitives = {each.name: each for kind in FEW for each in known.vocabularies[kind]}
    vocabularies = {kind: tuple(primitives[name] for name in names) for kind, names in FEW.items()}
    space = replace(known, name="few", vocabularies=vocabularies, build=build, published={})
    monkeypatch.setitem(SPACES, "few", space)
    return space


@pytest.mark.parametrize("name", ["adversarial", "random"])
def test_a_search_finds_genotypes_of_its_own_space(name: str, few: SearchSpace):
    config = SearchConfig(strategy=name, space="few", **SHORT | {"report_every": 1})
    setup = search_setup(config)
    reports = list(search(config.strategy.build(setup), search_batches(), setup, no_scores))
    assert [report.step for report in reports] == [1, 2, 3, 4]
    for genotypes in (report.genotypes for report in reports):
        assert {genotype.space for genotype in genotypes.values()} == {"few"}
        assert genotypes.keys() <= few.cells.keys()
        assert {name for cell in genotypes["generator"].cells for name in cell} <= {
            *FEW["normal"],
            *FEW["up"],
        }


def test_an_adversarial_search_prefers_among_the_primitives_of_its_space(few: SearchSpace):
    config = SearchConfig(space="few", **SHORT | {"steps": 1})
    setup = search_setup(config)
    (report,) = search(config.strategy.build(setup), search_batches(), setup, no_scores)
    for network, cells in report.probabilities.items():
        expected = [[len(FEW[edge.kind]) for edge in edges] for edges in few.cells[network]]
        assert [[len(edge) for edge in cell] for cell in cells] == expected


def test_a_space_without_soft_weights_is_searched_by_strategies_that_need_none(
    few: SearchSpace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(SPACES, "few", replace(few, has_supernet=False))
    with pytest.raises(
        ValidationError,
        match="the space few has no supernets of both networks",
    ):
        SearchConfig(space="few")
    assert SearchConfig(space="few", strategy="random").space == "few"


def test_a_space_without_a_discriminator_is_not_searched_by_two_players(
    few: SearchSpace, monkeypatch: pytest.MonkeyPatch
):
    alone = replace(few, cells={"generator": few.cells["generator"]})
    monkeypatch.setitem(SPACES, "few", alone)
    with pytest.raises(ValidationError, match=r"few has no supernets of both networks .*; use random"):
        SearchConfig(space="few")
    config = SearchConfig(space="few", strategy="random", **SHORT)
    setup = search_setup(config)
    (report,) = search(config.strategy.build(setup), search_batches(), setup, no_scores)
    assert set(report.genotypes) == {"generator"}


def test_a_space_without_a_generator_is_searched_by_nobody(few: SearchSpace, monkeypatch: pytest.MonkeyPatch):
    other = replace(few, cells={"discriminator": few.cells["discriminator"]})
    monkeypatch.setitem(SPACES, "few", other)
    for name in ("adversarial", "random"):
        with pytest.raises(ValidationError, match="space: the space few has no generator; choose"):
            SearchConfig(space="few", strategy=name)
