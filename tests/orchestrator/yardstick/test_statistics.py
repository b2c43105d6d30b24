"""Correlations, intervals and power, against published figures, known variances and arithmetic.

Simulations have fixed seeds; their tolerances are three standard deviations of a binomial share.
"""

import math

import numpy as np
import pytest

from orchestrator.yardstick.statistics import (
    detectable_effect,
    early_correlations,
    intraclass_correlation,
    noise_variance,
    seed_correlation,
    seeds_for,
    smallest_factor,
)

REPETITIONS = 1500


def drawn(genotypes, seeds, reliability, random):
    """Logarithms of scores whose variance is 1, of which `reliability` is the genotypes'."""
    shared = math.sqrt(reliability) * random.standard_normal((genotypes, 1))
    return shared + math.sqrt(1 - reliability) * random.standard_normal((genotypes, seeds))


def share_covered(estimate, truth, genotypes, seeds, reliability):
    random = np.random.default_rng(0)
    estimates = (estimate(drawn(genotypes, seeds, reliability, random)) for _ in range(REPETITIONS))
    return sum(each.low <= truth <= each.high for each in estimates) / REPETITIONS


SPREAD = 3 * math.sqrt(0.95 * 0.05 / REPETITIONS)


@pytest.mark.parametrize(("genotypes", "seeds"), [(24, 2), (8, 3)])
@pytest.mark.parametrize("reliability", [0.0, 0.3, 0.7])
def test_the_interval_of_the_intraclass_correlation_covers_the_truth_in_95_percent(
    genotypes, seeds, reliability
):
    covered = share_covered(intraclass_correlation, reliability, genotypes, seeds, reliability)
    assert covered == pytest.approx(0.95, abs=SPREAD)


@pytest.mark.parametrize("reliability", [0.0, 0.5, 0.8])
def test_the_interval_of_the_correlation_between_two_seeds_covers_the_truth_in_95_percent(reliability):
    # Spearman's correlation of a normal pair whose Pearson correlation is the reliability.
    truth = 6 / math.pi * math.asin(reliability / 2)
    covered = share_covered(seed_correlation, truth, 24, 2, reliability)
    # Bonett and Wright's error is an approximation: their own simulations are off by up to a percent.
    assert covered == pytest.approx(0.95, abs=SPREAD + 0.01)


def test_with_more_seeds_the_interval_of_the_correlation_covers_at_least_as_often():
    truth = 6 / math.pi * math.asin(0.25)
    assert share_covered(seed_correlation, truth, 24, 4, 0.5) > 0.95 - SPREAD


def test_the_intraclass_correlation_is_that_published_by_shrout_and_fleiss():
    ratings = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
    )
    value, low, high = intraclass_correlation(ratings)
    assert value == pytest.approx(0.17, abs=0.005)
    # Their table 4 gives the interval of ICC(1, 1) as -0.13 to 0.72.
    assert (low, high) == (pytest.approx(-0.13, abs=0.005), pytest.approx(0.72, abs=0.005))


def test_runs_that_repeat_themselves_are_fully_reliable():
    repeated = np.repeat(np.arange(5.0)[:, None], 2, axis=1)
    assert intraclass_correlation(repeated) == (1, 1, 1)
    assert seed_correlation(repeated).value == pytest.approx(1)


def test_equal_scores_have_no_signal_and_no_warning():
    equal = np.zeros((5, 2))
    assert intraclass_correlation(equal).value == 0
    assert seed_correlation(equal).value == 0


def test_the_correlation_is_the_mean_over_all_pairs_of_seeds():
    ends = np.array([[1.0, 1, 4], [2, 2, 3], [3, 3, 2], [4, 4, 1]])
    assert seed_correlation(ends).value == pytest.approx((1 - 1 - 1) / 3)


def test_noise_is_pooled_over_genotypes():
    assert noise_variance(np.array([[1.0, 3.0], [10.0, 14.0]])) == pytest.approx((2 + 8) / 2)


@pytest.mark.parametrize("seeds", [1, 3, 10])
def test_the_smallest_factor_is_seen_in_80_percent(seeds):
    from scipy.stats import t

    deviation, degrees, repetitions = 0.4, 12, 20_000
    random = np.random.default_rng(1)
    true = math.log(smallest_factor(deviation, degrees, seeds))
    error = deviation * math.sqrt(2 / seeds)
    seen = random.normal(true, error, repetitions)
    # Of the noise only an estimate with so many degrees of freedom is known.
    estimated = error * np.sqrt(random.chisquare(degrees, repetitions) / degrees)
    power = np.mean(seen / estimated > t.ppf(0.975, degrees))
    assert power == pytest.approx(0.8, abs=3 * math.sqrt(0.8 * 0.2 / repetitions))


def test_with_many_degrees_the_effect_is_that_of_the_normal_test():
    assert detectable_effect(1_000_000) == pytest.approx(1.95996 + 0.84162, abs=1e-3)


def test_four_times_the_seeds_show_half_the_logarithm():
    one, four = (math.log(smallest_factor(0.5, 24, seeds)) for seeds in (1, 4))
    assert one == pytest.approx(2 * four)


def test_early_scores_are_held_against_the_ends_of_other_seeds_and_of_their_own():
    # Seed 1 ends the other way round; at the first step each run stands where it will end.
    up, down = [1.0, 2, 3, 4], [4.0, 3, 2, 1]
    curves = np.stack([np.array([up, up]).T, np.array([down, down]).T], axis=1)
    other, same = early_correlations(curves)
    assert other.tolist() == pytest.approx([-1, -1])
    assert same.tolist() == pytest.approx([1, 1])


def test_the_last_step_ranks_another_seed_as_well_as_seeds_agree():
    curves = np.random.default_rng(2).standard_normal((9, 3, 4))
    other, same = early_correlations(curves)
    assert other[-1] == pytest.approx(seed_correlation(curves[:, :, -1]).value)
    assert same[-1] == pytest.approx(1)


@pytest.mark.parametrize(
    ("reliability", "wanted", "seeds"), [(0.5, 0.8, 4), (0.8, 0.8, 1), (0.25, 0.5, 3), (0, 0.8, None)]
)
def test_seeds_are_counted_by_spearman_and_brown(reliability, wanted, seeds):
    assert seeds_for(reliability, wanted) == seeds
    if seeds:
        assert seeds * reliability / (1 + (seeds - 1) * reliability) == pytest.approx(wanted)
