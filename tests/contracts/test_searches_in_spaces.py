"""Which strategies search which spaces, and that what they find is of the space they were given."""

import copy
from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

from orchestrator.plots.genotype import draw
from orchestrator.selection.curves import genotype_id, genotype_of
from search_space.errors import UserError
from search_space.genotype import Genotype, GenotypeError, build
from search_space.networks.config import GeneratorConfig
from search_space.sampling import count_parameters
from search_space.space import SearchSpace
from search_space.spaces.adversarialnas import VOCABULARIES, space_of_cells
from search_space.spaces.registry import SPACES
from search_space.topology import Primitive
from tests.trainers.small import GENERATOR, SHORT, differing, no_scores, search_batches, search_setup
from trainers.config import SearchConfig
from trainers.search import search
from trainers.strategies.registry import STRATEGIES

pytestmark = pytest.mark.usefixtures("unchecked_shapes")

FEW = {
    "normal": ("none", "conv_1x1", "conv_3x3"),
    "image": ("conv_1x1", "conv_3x3"),
    "up": ("bilinear", "nearest"),
    "down": ("avg_pool", "conv_3x3"),
}
"""The second space: the same cells, with fewer primitives, some in another order."""


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> SearchSpace:
    known = SPACES["adversarialnas"]
    primitives = {each.name: each for kind in FEW for each in known.vocabularies[kind]}
    vocabularies = {kind: tuple(primitives[name] for name in names) for kind, names in FEW.items()}
    space = space_of_cells("few", vocabularies)
    monkeypatch.setitem(SPACES, "few", space)
    return space


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> SearchSpace:
    """With one primitive more, that no published format knows and no drawing has a stroke for."""
    normal = (*VOCABULARIES["normal"], Primitive("conv_7x7", "conv", kernel=7))
    space = space_of_cells("wide", {**VOCABULARIES, "normal": normal})
    monkeypatch.setitem(SPACES, "wide", space)
    return space


WIDEST = ("nearest", "bilinear", *("conv_7x7",) * 5)


@pytest.mark.usefixtures("wide")
def test_a_primitive_of_a_space_of_its_own_is_computed_counted_drawn_and_selected():
    genotype = Genotype(space="wide", network="generator", cells=(WIDEST,) * 3)
    config = GeneratorConfig(channels=4, bottom_width=2, image_channels=1)
    network = build(genotype, config)
    assert sum(weight.shape[-1] == 7 for name, weight in network.named_parameters() if "weight" in name) == 3
    assert count_parameters(genotype, config) == sum(each.numel() for each in network.parameters())
    assert network(torch.randn(2, 120)).shape == (2, 1, 16, 16)
    assert {text.get_text() for text in draw(genotype).axes[0].texts} >= {"conv_7x7"}
    assert genotype_of(genotype_id(genotype)) == genotype
    with pytest.raises(GenotypeError, match="conv_7x7 has no published index"):
        _ = genotype.rows


@pytest.mark.usefixtures("wide")
def test_supernets_of_a_space_of_its_own_hold_its_primitives():
    config = SearchConfig(space="wide", **SHORT | {"report_every": 4})
    setup = search_setup(config)
    strategy = config.strategy.build(setup)
    before = strategy.state.generator.cells[0].normal["conv_7x7"].weight.clone()
    assert before.shape[0] == 5
    list(search(strategy, search_batches(), setup, no_scores))
    assert not torch.equal(strategy.state.generator.cells[0].normal["conv_7x7"].weight, before)


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
    monkeypatch.setitem(SPACES, "few", replace(few, has_mixtures=False))
    with pytest.raises(
        ValidationError,
        match="supernet of the space few computes single paths, no mixtures; use random or one_shot",
    ):
        SearchConfig(space="few")
    for name in ("random", "one_shot"):
        assert SearchConfig(space="few", strategy=name).space == "few"


def test_a_space_without_a_discriminator_is_not_searched_by_two_players(
    few: SearchSpace, monkeypatch: pytest.MonkeyPatch
):
    alone = replace(few, cells={"generator": few.cells["generator"]})
    monkeypatch.setitem(SPACES, "few", alone)
    for strategy, opponent in (("adversarial", "searched"), ("one_shot", "paths")):
        with pytest.raises(
            ValidationError, match=r"strategy\.opponent: the space few has no discriminators; use fixed"
        ):
            SearchConfig(space="few", strategy={"name": strategy, "opponent": opponent})
    for strategy in ("random", {"name": "adversarial", "opponent": "fixed"}, "one_shot"):
        config = SearchConfig(space="few", strategy=strategy, **SHORT)
        setup = search_setup(config)
        (report,) = search(config.strategy.build(setup), search_batches(), setup, no_scores)
        assert set(report.genotypes) == {"generator"}


FITTING = [
    (strategy, space)
    for strategy in ({"name": "random"}, {"name": "one_shot"}, {"name": "adversarial", "opponent": "fixed"})
    for space in SPACES.values()
    if STRATEGIES[strategy["name"]](**strategy).unfit(space) is None
]


def names_of(case) -> str:
    strategy, space = case
    return f"{strategy['name']} in {space.name}"


def test_every_strategy_but_that_of_mixtures_searches_every_space_of_generators():
    found = set(map(names_of, FITTING))
    spaces = {name for name, space in SPACES.items() if "generator" in space.cells}
    of_paths = {name for name in spaces if not SPACES[name].has_mixtures}
    assert "autogan" in of_paths
    assert found == {
        *(f"{strategy} in {space}" for strategy in ("random", "one_shot") for space in spaces),
        *(f"adversarial in {space}" for space in spaces - of_paths),
    }


@pytest.mark.parametrize("case", FITTING, ids=names_of)
def test_a_search_in_any_space_is_reproducible_resumes_to_the_bit_and_finds_its_networks(case):
    strategy, space = case
    config = SearchConfig(strategy=strategy, space=space.name, **SHORT | {"report_every": 2})
    setup = search_setup(config)

    def run(resumed=None):
        one = config.strategy.build(setup)
        if resumed:
            one.state.load_state_dict(resumed)
        told = []
        for report in search(one, search_batches(), setup, no_scores):
            told.append((report.step, dict(report.genotypes), dict(report.probabilities)))
            states[report.step] = copy.deepcopy(one.state.state_dict())
        return told, one.state.state_dict()

    states: dict[int, dict] = {}
    first, state = run()
    halfway = states[2]
    again, same = run()
    rest, resumed = run(halfway)
    assert first == again
    assert rest == first[1:]
    assert differing(state, same) == differing(state, resumed) == []
    if STRATEGIES[strategy["name"]].samples:
        assert len(differing(state, halfway)) > 10
    for _, genotypes, probabilities in first:
        assert genotypes["generator"].space == space.name
        assert build(genotypes["generator"], setup.generator)(torch.randn(2, 6)).shape == (2, 1, 16, 16)
        for cells in probabilities.values():
            assert [len(cell) for cell in cells] == [len(cell) for cell in space.cells["generator"]]


def test_a_space_without_a_generator_is_searched_by_nobody(few: SearchSpace, monkeypatch: pytest.MonkeyPatch):
    other = replace(few, cells={"discriminator": few.cells["discriminator"]})
    monkeypatch.setitem(SPACES, "few", other)
    for name in ("adversarial", "random"):
        with pytest.raises(ValidationError, match="space: the space few has no generator; choose"):
            SearchConfig(space="few", strategy=name)


@pytest.mark.parametrize("strategy", [{"name": "adversarial"}, {"name": "one_shot", "opponent": "paths"}])
def test_a_searched_discriminator_that_cannot_halve_the_images_is_refused_before_the_first_step(strategy):
    config = SearchConfig(strategy=strategy, **SHORT)
    for width, fits in ((5, False), (3, True), (2, True)):
        setup = replace(search_setup(config), generator=GENERATOR.model_copy(update={"bottom_width": width}))
        if fits:
            config.strategy.build(setup)
            continue
        with pytest.raises(UserError, match=r"data\.image_size = 40: the discriminator comes to maps of odd"):
            config.strategy.build(setup)
