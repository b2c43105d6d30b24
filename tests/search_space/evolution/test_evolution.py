"""Evolution by toy scores: how far a genotype is from a hidden one."""

import json
import math
from statistics import fmean

import pytest

from search_space.errors import UserError
from search_space.evolution.config import EvolutionConfig
from search_space.evolution.evolution import Evolution
from search_space.genotype import Genotype, differing_edges
from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import Generator
from search_space.sampling import count_parameters, sample_genotype

WIDTHS = GeneratorConfig(channels=4, latent_dim=6, bottom_width=2, image_channels=1)
SHORT = EvolutionConfig(random=8, children=12, tournament=3)


def evolution(config=SHORT, seed=0) -> Evolution:
    return Evolution(config, "adversarialnas", WIDTHS, seed)


def distance_to(hidden):
    return lambda genotype: (float(differing_edges(genotype, hidden)),)


def run(one: Evolution, score, most: int = 1000) -> Evolution:
    while not one.finished and len(one.scored) < most:
        candidate = one.ask()
        one.tell(candidate, score(candidate))
    return one


def closest(one: Evolution) -> float:
    return min(scores[0] for _, scores in one.scored)


def test_it_comes_closer_to_a_hidden_genotype_than_random_draws_of_equal_number():
    by_evolution, by_chance = [], []
    for seed in range(3):
        score = distance_to(sample_genotype("generator", 1000 + seed))
        by_evolution.append(closest(run(evolution(EvolutionConfig(), seed), score)))
        by_chance.append(closest(run(evolution(EvolutionConfig(random=150, children=0), seed), score)))
    assert fmean(by_evolution) < fmean(by_chance) - 3
    assert all(here < there for here, there in zip(by_evolution, by_chance, strict=True))


def test_no_genotype_is_asked_for_twice():
    done = run(evolution(), distance_to(sample_genotype("generator", 1)))
    assert len({one.content_hash for one, _ in done.scored}) == SHORT.candidates == len(done.scored)


@pytest.mark.parametrize("stopped", [3, 8, 15])
def test_it_goes_on_from_its_state_as_if_it_had_never_stopped(stopped):
    score = distance_to(sample_genotype("generator", 1))
    state = json.loads(json.dumps(run(evolution(), score, stopped).state()))
    resumed = evolution()
    resumed.restore(state)
    assert run(resumed, score).state() == run(evolution(), score).state()


def test_what_has_no_score_is_worst_and_begets_nobody():
    hidden = sample_genotype("generator", 1)

    def score(genotype):
        odd = int(genotype.content_hash, 16) % 2
        return (math.nan,) if odd else distance_to(hidden)(genotype)

    done = run(evolution(), score)
    without = {one.content_hash for one, (value,) in done.scored if math.isnan(value)}
    assert len(without) > 2
    ranked = sorted(range(len(done.scored)), key=done.fitness().__getitem__)
    assert {done.scored[place][0].content_hash for place in ranked[-len(without) :]} == without
    assert not without & {one.content_hash for one in done.best(100, 0)}


def test_oldest_and_worst_die_in_turns():
    done = run(evolution(), lambda one: (float(int(one.content_hash, 16)),), most=SHORT.random)
    before, fitness = list(done._population), done.fitness()
    worst = max(before, key=fitness.__getitem__)
    done.tell(done.ask(), (min(scores[0] for _, scores in done.scored),))  # the ninth: the worst dies
    assert set(before) - set(done._population) == {worst}
    oldest = done._population[0]
    done.tell(done.ask(), (min(scores[0] for _, scores in done.scored),))
    assert set(done._population).isdisjoint({worst, oldest})


def test_children_differ_from_their_parents_in_one_or_two_edges_without_crossover():
    apart = set()
    for seed in range(20):
        one = evolution(EvolutionConfig(random=1, children=1, tournament=1, crossover=0.0), seed)
        parent = one.ask()
        one.tell(parent, (0.0,))
        apart.add(differing_edges(parent, one.ask()))
    assert apart == {1, 2}


def test_the_best_differ_in_as_many_edges_as_asked():
    done = run(
        evolution(EvolutionConfig(random=20, children=20)), distance_to(sample_genotype("generator", 1))
    )
    found = done.best(4, 4)
    assert len(found) == 4
    assert all(differing_edges(a, b) >= 4 for a in found for b in found if a is not b)
    assert distance_to(sample_genotype("generator", 1))(found[0]) == (closest(done),)


def test_of_equal_scores_the_smaller_network_comes_first():
    done = run(evolution(), lambda _: (1.0,))
    sizes = [count_parameters(one, WIDTHS) for one in done.best(100, 0)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_judges_count_alike_whatever_their_scale():
    """The second judge's scores are a thousand times as large, and say the opposite."""
    done = run(evolution(), lambda one: ((x := float(int(one.content_hash, 16) % 97)), -1000 * x))
    assert done.fitness() == pytest.approx([0.0] * len(done.scored), abs=1e-9)


class TestLimit:
    def test_nothing_larger_is_asked_for(self):
        drawn = sorted(count_parameters(sample_genotype("generator", seed), WIDTHS) for seed in range(40))
        config = SHORT.model_copy(update={"max_parameters": drawn[10]})
        done = run(evolution(config), lambda one: (-float(count_parameters(one, WIDTHS)),))
        counted = [sum(p.numel() for p in Generator(WIDTHS, one).parameters()) for one, _ in done.scored]
        assert max(counted) <= drawn[10]

    def test_one_that_no_genotype_meets_is_refused_with_the_smallest_that_does(self):
        genotype = Genotype(network="generator", cells=(("nearest",) * 2 + ("skip_connect",) * 5,) * 3)
        fewest = sum(p.numel() for p in Generator(WIDTHS, genotype).parameters())
        evolution(EvolutionConfig(max_parameters=fewest))
        with pytest.raises(
            UserError, match=rf"max_parameters = {fewest - 1}: the smallest .* has {fewest:,}"
        ):
            evolution(EvolutionConfig(max_parameters=fewest - 1))


class TestAgreementOfJudges:
    SCORES = ((1, 2, 3, 4, 5, 6, 7, 8, 9, 10), (2, 1, 4, 3, 6, 5, 8, 7, 10, 9))
    """Five swaps of neighbours: the squared differences of ranks sum to 10, so 1 - 6 x 10 / 990."""

    def told(self, *judges, random: int = 10, children: int = 0) -> Evolution:
        one = evolution(EvolutionConfig(random=random, children=children))
        for scores in zip(*judges, strict=True):
            one.tell(one.ask(), scores)
        return one

    def test_it_is_spearmans_correlation(self):
        assert self.told(*self.SCORES).agreement() == pytest.approx(1 - 60 / 990)

    def test_of_three_it_is_the_mean_over_pairs(self):
        first, second = self.SCORES
        found = self.told(first, second, first[::-1]).agreement()
        assert found == pytest.approx(((1 - 60 / 990) - 1 - (1 - 60 / 990)) / 3)

    def test_children_do_not_count(self):
        first, second = self.SCORES
        longer = self.told((*first, 1, 2), (*second, 9, 0), children=2)
        assert longer.agreement() == self.told(first, second).agreement()

    def test_what_cannot_be_scored_is_the_worst(self):
        first, second = self.SCORES
        found = self.told([*first[:9], math.nan], second).agreement()
        assert found == self.told(first, second).agreement()

    @pytest.mark.parametrize("judges", [(SCORES[0],), (SCORES[0], [3] * 10), [one[:9] for one in SCORES]])
    def test_nothing_is_said_of_one_judge_or_a_blind_one_or_few_candidates(self, judges):
        assert self.told(*judges).agreement() is None


class TestTogether:
    SCORE = staticmethod(distance_to(sample_genotype("generator", 1)))

    def told(self, one: Evolution, count: int, generations: int = 1000) -> Evolution:
        for _ in range(generations):
            if one.finished:
                break
            for candidate in one.ask_together(count):
                one.tell(candidate, self.SCORE(candidate))
        return one

    def test_one_at_a_time_is_what_asking_one_by_one_gives(self):
        assert self.told(evolution(), 1).state() == run(evolution(), self.SCORE).state()

    def test_the_first_population_is_asked_for_at_once_and_is_that_of_asking_one_by_one(self):
        drawn = [one for one, _ in run(evolution(), self.SCORE, most=SHORT.random).scored]
        assert evolution().ask_together(3) == drawn

    def test_children_of_a_generation_are_new_and_know_no_scores_of_each_other(self):
        one = self.told(evolution(), 4, generations=1)
        asked = one.ask_together(4)
        known = {genotype.content_hash for genotype, _ in one.scored}
        assert len({child.content_hash for child in asked} - known) == 4
        assert one.ask_together(4) == asked
        assert asked[:2] == one.ask_together(2)

    def test_the_last_generation_is_as_large_as_there_is_room(self):
        sizes, one = [], self.told(evolution(), 5, generations=1)
        while not one.finished:
            sizes.append(len(asked := one.ask_together(5)))
            for candidate in asked:
                one.tell(candidate, self.SCORE(candidate))
        assert sizes == [5, 5, 2]
        assert one.ask_together(5) == []

    def test_with_more_children_it_begins_alike(self):
        longer = SHORT.model_copy(update={"children": 15})
        short, more = self.told(evolution(), 5).state(), self.told(evolution(longer), 5).state()
        assert more[: len(short)] == short
        assert len(more) == len(short) + 3
