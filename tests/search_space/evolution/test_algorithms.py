"""NSGA-II by a toy of two objectives whose Pareto front is known; and what each algorithm does to members."""

import json
import math

import pytest

from search_space.evolution.algorithms import ALGORITHMS
from search_space.evolution.config import EvolutionConfig
from search_space.evolution.evolution import Evolution
from search_space.genotype import Genotype, differing_edges
from search_space.networks.config import GeneratorConfig
from search_space.sampling import count_parameters

pytestmark = pytest.mark.usefixtures("unchecked_shapes")

WIDTHS = GeneratorConfig(channels=4, latent_dim=6, bottom_width=2, image_channels=1)
WIDEST = Genotype(network="generator", cells=(("ConvTranspose",) * 2 + ("conv_5x5",) * 5,) * 3)
"""The largest network: the fewer edges a genotype has like it, the smaller it may be."""


def evolution(algorithm: str, seed: int = 0, **changes: int) -> Evolution:
    return Evolution(EvolutionConfig(algorithm=algorithm, **changes), "adversarialnas", WIDTHS, seed)


def distance(genotype: Genotype) -> tuple[float]:
    return (float(differing_edges(genotype, WIDEST)),)


def run(one: Evolution, score=distance, most: int = 1000, together: int = 1) -> Evolution:
    while not one.finished and len(one.scored) < most:
        for candidate in one.ask_together(together):
            one.tell(candidate, score(candidate))
    return one


def points(one: Evolution) -> set[tuple[float, int]]:
    return {(score, count_parameters(genotype, WIDTHS)) for genotype, (score,) in one.scored}


def volume(found: set[tuple[float, int]]) -> float:
    """Share of the objectives' rectangle that is dominated, up to 21 edges and the size of the widest."""
    largest, smallest = count_parameters(WIDEST, WIDTHS), smallest_at(21)
    total, size = 0.0, largest
    for edges, parameters in sorted(found):
        total += (21 - edges) * max(0, size - parameters)
        size = min(size, parameters)
    return total / (21 * (largest - smallest))


def smallest_at(edges: int) -> int:
    """The fewest parameters of a genotype that differs in so many edges: the dearest give way first.

    A convolution of 5x5 has 4 x 4 x 25 + 4 parameters and `none` none; deconvolutions have 4 x 9 + 4 x 4 and
    `nearest` 4 x 4 + 4. Each of five nodes keeps an input that costs nothing, a skip connection.
    """
    saved = [4 * 4 * 25 + 4] * 15 + [(4 * 9 + 4 * 4) - (4 * 4 + 4)] * 6
    return count_parameters(WIDEST, WIDTHS) - sum(saved[:edges])


class TestNsga2:
    def test_the_known_front_exists_at_its_ends(self):
        none = Genotype(network="generator", cells=(("nearest",) * 2 + ("skip_connect",) * 5,) * 3)
        assert smallest_at(21) == count_parameters(none, WIDTHS)
        assert smallest_at(0) == count_parameters(WIDEST, WIDTHS)

    def test_it_comes_nearer_to_a_known_front_than_random_draws_and_than_evolution_by_scores_alone(self):
        best = volume({(float(edges), smallest_at(edges)) for edges in range(22)})
        for seed in range(2):
            by_front = volume(points(run(evolution("nsga2", seed, children=440))))
            by_chance = volume(points(run(evolution("nsga2", seed, random=500, children=0))))
            by_score = volume(points(run(evolution("regularized", seed, children=440))))
            assert by_chance < by_score < by_front < best
            assert by_front - by_chance > (best - by_chance) / 2

    @pytest.mark.parametrize("together", [1, 4])
    @pytest.mark.parametrize("stopped", [3, 8, 15])
    def test_it_goes_on_from_its_state_as_if_it_had_never_stopped(self, stopped, together):
        short = {"random": 8, "children": 12}
        whole = run(evolution("nsga2", **short), together=together).state()
        stopped = run(evolution("nsga2", **short), most=stopped, together=together)
        resumed = evolution("nsga2", **short)
        resumed.restore(json.loads(json.dumps(stopped.state())))
        assert run(resumed, together=together).state() == whole

    def test_the_front_of_the_population_is_that_of_all_that_was_scored(self):
        done = run(evolution("nsga2", random=30, children=60))
        everybody, members = points(done), set(done._population)
        alive = {(s, count_parameters(g, WIDTHS)) for n, (g, (s,)) in enumerate(done.scored) if n in members}
        front = {a for a in everybody if not any(b[0] <= a[0] and b[1] <= a[1] and b != a for b in everybody)}
        assert len(alive) < len(everybody)
        assert 2 < len(front) < 30
        assert front <= alive

    def test_what_has_no_score_stands_behind_everybody_however_small(self):
        standings = ALGORITHMS["nsga2"].standings([(2.0, 900), (math.inf, 10), (9.0, 1000), (1.0, 950)])
        assert max(range(4), key=standings.__getitem__) == 1

    def test_who_begets_has_no_need_of_a_score_better_than_all_others(self):
        """Of two that are drawn, the smaller begets where neither dominates and it has fewer neighbours."""
        nsga2 = ALGORITHMS["nsga2"]
        crowded = [(0.0, 100), (0.9, 50), (1.0, 49), (1.1, 48), (5.0, 10)]
        standings = nsga2.standings(crowded)
        assert standings[4] == standings[0] < standings[1]
        assert nsga2.leaves(standings, 9) == nsga2.leaves(standings, 10) == 2


def test_regularized_evolution_looks_at_scores_alone():
    regularized = ALGORITHMS["regularized"]
    standings = regularized.standings([(2.0, 900), (3.0, 10), (1.0, 1000)])
    assert sorted(range(3), key=standings.__getitem__) == [2, 0, 1]
    assert (regularized.leaves(standings, 9), regularized.leaves(standings, 10)) == (1, 0)
