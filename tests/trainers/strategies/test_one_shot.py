"""The one-shot search: which paths it trains, what paths inherit, when it stops, what it derives."""

import copy
import math
from collections import Counter

import pytest
import torch

from search_space.errors import UserError
from search_space.evolution.config import EvolutionConfig
from search_space.genotype import Genotype, differing_edges
from search_space.sampling import fair_genotype, sample_genotype
from search_space.topology import NONE
from tests.trainers.small import (
    BATCH,
    Given,
    differing,
    halves,
    no_scores,
    search_batches,
    search_config,
    search_setup,
)
from trainers.search import search
from trainers.strategies.inherited import log_score
from trainers.strategies.one_shot import OneShotSearch
from trainers.strategies.one_shot_config import OneShotConfig

pytestmark = pytest.mark.usefixtures("unchecked_shapes")

EVOLUTION = EvolutionConfig(random=3, children=3, tournament=2)
OPTIONS = {
    "supernets": 2,
    "probe_every": 2,
    "probe_paths": 3,
    "calibration_latents": 8,
    "evolution": EVOLUTION,
}
STEPS = 10
"""Four of training, six candidates."""


def one_shot(seed: int = 0, steps: int = STEPS, **changes: object) -> OneShotSearch:
    options = OneShotConfig(**OPTIONS | changes)
    return OneShotSearch(options, search_setup(search_config(strategy=options, steps=steps), seed))


def brightness(sample) -> dict[str, float]:
    """A score, the lower the better, that needs no real images."""
    latents = torch.randn(4, 6, generator=torch.Generator().manual_seed(7))
    return {"fd": float(sample(latents).mean()) + 2.0}


def take(strategy: OneShotSearch, steps: int) -> OneShotSearch:
    for _ in range(steps):
        strategy.step(Given(*halves()), None)
    return strategy


def test_a_step_moves_the_rows_that_its_paths_use_and_no_others():
    strategy = one_shot(supernets=1)
    (supernet,) = strategy.state.supernets
    for step in range(2):
        paths, before = strategy.paths(supernet, "generator"), copy.deepcopy(supernet.generator)
        take(strategy, 1)
        for number, (cell, old) in enumerate(zip(supernet.generator.cells, before.cells, strict=True)):
            for filling in cell.fillings:
                if (operation := cell.operation(filling)) is None:
                    continue
                for row, edge in enumerate(filling.edges):
                    place = cell.edges.index(edge)
                    used = any(path.cells[number][place] == filling.primitive.name for path in paths)
                    pairs = zip(operation.parameters(), old.operation(filling).parameters(), strict=True)
                    moved = any(not torch.equal(here[row], there[row]) for here, there in pairs)
                    assert used or not moved, (step, edge, filling.primitive.name)
        assert not torch.equal(supernet.generator.to_image.weight, before.to_image.weight)


def test_keeping_maps_instead_of_computing_them_twice_changes_no_number():
    twice, kept = (take(one_shot(recompute=recompute), 2).state.state_dict() for recompute in (True, False))
    assert differing(twice, kept) == []


def test_steps_and_supernets_draw_paths_of_their_own():
    strategy = one_shot()
    drawn = []
    for _ in range(2):
        drawn += [path for one in strategy.state.supernets for path in strategy.paths(one, "generator")]
        take(strategy, 1)
    assert len({path.content_hash for path in drawn}) == 16


def test_an_opponent_of_paths_is_trained_by_paths_too():
    strategy = one_shot(opponent="paths", supernets=1)
    (supernet,) = strategy.state.supernets
    before = copy.deepcopy(supernet.discriminator.state_dict())
    used = strategy.paths(supernet, "discriminator")
    losses = take(strategy, 1).step(Given(*halves()), None)
    assert {"loss_discriminator", "loss_generator"} <= losses.keys()
    assert differing(supernet.discriminator.state_dict(), before)
    assert all(path.network == "discriminator" for path in used)


def test_fair_sampling_draws_every_primitive_of_every_edge_equally_often():
    drawn = [fair_genotype("generator", 5, number) for number in range(21)]
    for cell in range(3):
        for place in range(7):
            counts = Counter(genotype.cells[cell][place] for genotype in drawn)
            assert set(counts.values()) == ({7} if place < 2 else {3})
    assert len({genotype.content_hash for genotype in drawn}) == 21
    assert any(NONE in cell for genotype in drawn for cell in genotype.cells)


def test_fair_sampling_draws_valid_discriminators():
    for number in range(14):
        assert isinstance(fair_genotype("discriminator", 3, number), Genotype)


def test_a_path_inherits_the_average_with_statistics_of_the_calibration_latents():
    strategy = take(one_shot(supernets=1), 3)
    (supernet,) = strategy.state.supernets
    genotype = sample_genotype("generator", 4)
    # All latents at once, by the statistics of this very batch; BatchNorm's own are those of one pixel less.
    expected = supernet.ema_generator.of_paths(strategy._latents, [genotype])
    found = strategy.inherited(supernet, genotype)(strategy._latents)
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-3)
    raw = supernet.generator.of_paths(strategy._latents, [genotype])
    assert (raw - expected).abs().max() > 1e-4


def test_supernets_stop_when_the_median_score_of_fixed_paths_rises_and_keep_what_was_before():
    medians = iter([5.0, 3.0, 4.0])
    strategy = one_shot(supernets=1, steps=20, probe_paths=1)
    strategy.use_scores(lambda _: {"fd": next(medians)})
    (supernet,) = strategy.state.supernets
    take(strategy, 4)
    kept = copy.deepcopy(supernet.ema_generator.state_dict())
    take(strategy, 2)
    stopped_at = copy.deepcopy(supernet.generator.state_dict())
    assert strategy.diagnostics().scalars["stopped_0"] == 4
    take(strategy, 2)
    assert differing(supernet.generator.state_dict(), stopped_at) == []
    inherits = dict(supernet.scored_generator.named_parameters())
    assert all(torch.equal(value, kept[name]) for name, value in inherits.items())


def test_it_derives_the_best_of_what_evolution_scored():
    strategy = one_shot()
    strategy.use_scores(brightness)
    take(strategy, STEPS)
    evolution = strategy.state.evolution
    assert len(evolution.scored) == EVOLUTION.candidates
    best = min(zip(evolution.fitness(), evolution.scored, strict=True), key=lambda one: one[0])[1][0]
    assert strategy.derived()["generator"] == best
    for genotype, scores in evolution.scored:
        networks = [strategy.inherited(one, genotype) for one in strategy.state.supernets]
        assert scores == tuple(log_score(brightness, network) for network in networks)


def test_it_hands_over_others_that_differ_enough():
    strategy = one_shot(derivations=3, distance=5)
    assert strategy.others() == []
    strategy.use_scores(brightness)
    take(strategy, STEPS)
    chosen = [strategy.derived()["generator"], *strategy.others()]
    assert len(chosen) == 3
    assert all(differing_edges(a, b) >= 5 for a in chosen for b in chosen if a is not b)


@pytest.mark.parametrize("stopped", [3, 7])
def test_with_scores_it_goes_on_from_a_checkpoint_bit_by_bit(stopped):
    whole, first, resumed = one_shot(), one_shot(), one_shot()
    for strategy in (whole, first, resumed):
        strategy.use_scores(brightness)
    take(whole, STEPS)
    resumed.state.load_state_dict(copy.deepcopy(take(first, stopped).state.state_dict()))
    take(resumed, STEPS - stopped)
    assert differing(resumed.state.state_dict(), whole.state.state_dict()) == []
    assert resumed.state.evolution.state() == whole.state.evolution.state()


def test_images_that_are_not_finite_score_nan():
    def score(sample):
        return {"fd": float(sample(torch.ones(1, 2)).sum()) + 9}

    assert log_score(score, torch.zeros_like) == pytest.approx(math.log(9))
    assert math.isnan(log_score(score, lambda latents: latents / 0))


@pytest.mark.parametrize(("name", "better", "worse"), [("is_mean", 4.0, 2.0), ("fd", 2.0, 4.0)])
def test_the_lower_the_better_whatever_the_metric(name, better, worse):
    found = [log_score(lambda _, value=value: {name: value}, torch.log1p) for value in (better, worse)]
    assert found == sorted(found)
    assert found[0] < found[1]


class TestRefused:
    def test_shares_that_do_not_divide_the_batch(self):
        with pytest.raises(UserError, match=f"batch_size = {BATCH} has no 3 equal shares, one a path; use 6"):
            one_shot(paths=3)

    def test_fewer_steps_than_candidates(self):
        with pytest.raises(UserError, match=r"search.steps = 6: each of the last 6 steps scores a candidate"):
            one_shot(steps=6).use_scores(brightness)

    def test_a_limit_that_no_genotype_meets(self):
        with pytest.raises(UserError, match="max_parameters = 10: the smallest generator of"):
            one_shot(evolution=EvolutionConfig(max_parameters=10))


def test_the_loop_reports_how_it_went():
    strategy = one_shot()
    strategy.use_scores(brightness)
    reports = list(search(strategy, search_batches(), search_setup(strategy._config), no_scores))
    assert reports[-1].step == STEPS
    assert reports[-1].metrics["candidates"] == EVOLUTION.candidates
    assert reports[-1].samples is not None
