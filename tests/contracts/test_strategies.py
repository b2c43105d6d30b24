"""What every registered strategy keeps."""

import io
from functools import partial

import pytest
import torch
from pydantic import ValidationError

from search_space.cost import parameters
from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import Generator, derived_generator
from search_space.sampling import count_parameters
from search_space.spaces.registry import find_space
from tests.trainers import workers
from tests.trainers.small import (
    BATCH,
    CPU,
    DISCRIMINATOR,
    GENERATOR,
    differing,
    images,
    no_scores,
    search_setup,
)
from trainers.config import SearchConfig
from trainers.datasets.batches import Batches
from trainers.options import ComputeConfig
from trainers.search import search
from trainers.strategies.random import RandomConfig, RandomSearch
from trainers.strategies.registry import STRATEGIES
from trainers.strategies.strategy import SearchSetup

pytestmark = pytest.mark.usefixtures("unchecked_shapes")

WIDE = GeneratorConfig(channels=256)


def config_of(name: str, **changes: object) -> SearchConfig:
    short = {"steps": 5, "report_every": 2, "batch_size": BATCH, "generator_batch_size": BATCH, "n_critic": 2}
    return SearchConfig(strategy=name, **short | changes)


def fresh(name: str, seed: int = 0):
    config = config_of(name)
    return config.strategy.build(search_setup(config, seed))


def reports_of(strategy, name: str, seed: int = 0):
    batches = Batches(images(), BATCH, seed, halves=True)
    return search(strategy, batches, search_setup(config_of(name), seed), no_scores)


def through_a_file(state):
    """The state as a checkpoint gives it back."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def told(report):
    """All that is the same where the search is."""
    metrics = {name: value for name, value in report.metrics.items() if name != "images_per_second"}
    return report.step, metrics, dict(report.genotypes), dict(report.probabilities)


@pytest.mark.parametrize("name", STRATEGIES)
class TestEveryStrategy:
    def test_the_same_seed_finds_the_same_and_another_seed_something_else(self, name):
        first, again, other = (
            [told(report) for report in reports_of(fresh(name, seed), name, seed)] for seed in (0, 0, 1)
        )
        assert first == again
        assert first != other
        assert [step for step, *_ in first] == [2, 4, 5]

    @pytest.mark.parametrize("stop_at", [2, 4])
    def test_a_fresh_one_goes_on_from_a_checkpoint_bit_by_bit(self, name, stop_at):
        whole = fresh(name)
        expected = [told(report) for report in reports_of(whole, name)]
        stopped = fresh(name)
        for report in reports_of(stopped, name):
            if report.step == stop_at:
                break
        resumed = config_of(name).strategy.build(search_setup(config_of(name), 0))
        resumed.state.load_state_dict(through_a_file(stopped.state.state_dict()))
        found = [told(report) for report in reports_of(resumed, name)]
        assert found == [each for each in expected if each[0] > stop_at]
        assert differing(resumed.state.state_dict(), whole.state.state_dict()) == []

    def test_every_derived_genotype_is_valid(self, name):
        for report in reports_of(fresh(name), name):
            assert "generator" in report.genotypes
            for network, genotype in report.genotypes.items():
                assert genotype.network == network
                find_space(genotype.space).check(network, genotype.cells)

    def test_says_whether_it_has_images_to_show(self, name):
        for report in reports_of(fresh(name), name):
            assert (report.samples is not None) == STRATEGIES[name].samples

    def test_a_bare_name_is_the_strategy_with_its_defaults(self, name):
        assert SearchConfig(strategy=name).strategy == STRATEGIES[name]()


SEARCHES = {
    **{name: (name,) for name in STRATEGIES},
    "one_shot in autogan": ("one_shot", "autogan"),
    "one_shot in alphagan": ("one_shot", "alphagan"),
    "adversarial in alphagan": ({"name": "adversarial", "opponent": "fixed"}, "alphagan"),
}


@pytest.fixture(scope="module")
def of_two_workers(tmp_path_factory):
    tasks = {name: partial(workers.strategy_run, *search) for name, search in SEARCHES.items()}
    return workers.run(tasks, tmp_path_factory.mktemp("strategies"))


@pytest.mark.parametrize("name", SEARCHES)
def test_two_workers_find_what_one_finds(name, of_two_workers):
    state, genotypes = workers.strategy_run(*SEARCHES[name])
    for worker in of_two_workers:
        found_state, found_genotypes = worker[name]
        assert found_genotypes == genotypes
        assert found_state.keys() == state.keys()
        for path, value in state.items():
            torch.testing.assert_close(found_state[path], value, rtol=1e-9, atol=1e-12, msg=path)


def test_unknown_strategies_are_refused_with_the_known_ones():
    with pytest.raises(ValidationError, match=", ".join(f"'{name}'" for name in STRATEGIES)):
        SearchConfig(strategy="annealing")


class TestRandom:
    def setup(self, **options: object) -> SearchSetup:
        config = SearchConfig(strategy=RandomConfig(**options))
        return SearchSetup(config, WIDE, DISCRIMINATOR, 0, CPU, ComputeConfig())

    def drawn(self, count: int, **options: object):
        setup = self.setup(**options)
        strategy = RandomSearch(RandomConfig(**options), setup)
        for _ in range(count):
            strategy.step(None, None)
            yield strategy.derived()["generator"]

    def test_every_step_draws_another(self):
        assert len({genotype.content_hash for genotype in self.drawn(8)}) == 8

    @pytest.mark.parametrize("wanted", [8_850_000, 13_900_000])
    def test_drawn_to_size_the_built_network_is_within_a_tenth(self, wanted):
        sizes = []
        for genotype in self.drawn(4, parameters=wanted):
            with torch.device("meta"):
                sizes.append(parameters(Generator(WIDE, genotype)))
            assert sizes[-1] == count_parameters(genotype, WIDE)
        assert all(abs(size - wanted) <= 0.1 * wanted for size in sizes)

    def test_no_network_is_built(self, monkeypatch):
        def refuse(*_args: object, **_options: object) -> None:
            raise AssertionError("a network was built")

        monkeypatch.setattr(torch.nn.Module, "__init__", refuse)
        assert len(list(self.drawn(2, parameters=10_000_000))) == 2

    @pytest.mark.parametrize("wanted", [1_000, 1_000_000_000])
    def test_a_size_that_none_has_is_refused_with_those_there_are(self, wanted):
        with pytest.raises(UserError, match=r"search\.strategy\.parameters = .* have [\d,]+ to [\d,]+"):
            list(self.drawn(1, parameters=wanted))

    def test_the_extremes_it_names_exist(self):
        built = []
        for up, normal in (("nearest", "skip_connect"), ("ConvTranspose", "conv_5x5")):
            genotype = Genotype(network="generator", cells=[[up] * 2 + [normal] * 5] * 3)
            with torch.device("meta"):
                built.append(parameters(Generator(WIDE, genotype)))
        with pytest.raises(UserError, match="have {:,} to {:,};".format(*built)):
            list(self.drawn(1, parameters=1))

    def test_like_a_published_generator_is_of_its_size_at_the_searchs_widths(self):
        sizes = [count_parameters(genotype, WIDE) for genotype in self.drawn(3, like="adversarialnas")]
        assert all(abs(size - 8_846_851) <= 0.1 * 8_846_851 for size in sizes)  # as published

    def test_like_a_file_is_of_that_genotypes_size(self, tmp_path):
        file = tmp_path / "mine.json"
        mine = Genotype(network="generator", cells=[["nearest"] * 2 + ["conv_5x5"] * 5] * 3)
        mine.save(file)
        with torch.device("meta"):
            wanted = parameters(Generator(WIDE, mine))
        [genotype] = self.drawn(1, like=str(file), tolerance=0.2)
        assert abs(count_parameters(genotype, WIDE) - wanted) <= 0.2 * wanted

    def test_a_hard_limit_holds(self):
        drawn = [count_parameters(genotype, WIDE) for genotype in self.drawn(6)]
        limited = [count_parameters(genotype, WIDE) for genotype in self.drawn(6, max_parameters=11_000_000)]
        assert max(drawn) > 11_000_000 >= max(limited)

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"max_parameters": 1_000}, "max_parameters = 1000: the smallest generator of these widths has"),
            (
                {"max_parameters": 7_000_000, "like": "adversarialnas"},
                "such a generator has at least 7,962,165",
            ),
            ({"like": "eagan_cifar10"}, "like = eagan_cifar10: is a discriminator's"),
            ({"like": "nobody"}, "unknown genotype 'nobody'; known: "),
        ],
    )
    def test_sizes_that_none_has_are_refused(self, options, said):
        with pytest.raises(UserError, match=said):
            list(self.drawn(1, **options))

    def test_two_sizes_are_one_too_many(self):
        with pytest.raises(ValidationError, match="like: parameters gives the size already"):
            RandomConfig(parameters=10_000_000, like="eagan")


def test_the_extremes_of_autogans_space_count_its_further_deconvolutions():
    built = []
    for genes, skips in (
        ("pre none nearest none", "none none"),
        ("pre batch deconv conv_1x1", "cell_1 both"),
    ):
        cells = [[*genes.split(), *skip] for skip in ([], *([each] for each in skips.split()))]
        genotype = Genotype(space="autogan", network="generator", cells=cells)
        with torch.device("meta"):
            built.append(parameters(derived_generator(WIDE, genotype)))
    config = SearchConfig(space="autogan", strategy=RandomConfig(parameters=1))
    with pytest.raises(UserError, match="have {:,} to {:,};".format(*built)):
        config.strategy.build(SearchSetup(config, WIDE, DISCRIMINATOR, 0, CPU, ComputeConfig()))


def test_generators_of_small_widths_are_counted_like_wide_ones():
    genotype = next(TestRandom().drawn(1))
    assert count_parameters(genotype, GENERATOR) == parameters(Generator(GENERATOR, genotype))
