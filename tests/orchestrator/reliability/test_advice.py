"""What is measured of made-up scores, and which advice follows."""

import math

import numpy as np
import pytest

from orchestrator.config.experiment import load_experiment
from orchestrator.reliability.advice import advice
from orchestrator.reliability.render import render, rows
from orchestrator.yardstick.measured import ReliabilityError, measure
from orchestrator.yardstick.statistics import Estimate

STEPS = (100, 200, 300)


def scores(noise=0.5, signal=0.5, trend=(2.0, 1.5, 1.0), genotypes=24):
    """Scores around 100 times the trend; the noise of a run is drawn anew at each step."""
    random = np.random.default_rng(0)
    logs = signal * random.standard_normal((genotypes, 1, 1)) + noise * random.standard_normal(
        (genotypes, 2, 3)
    )
    return 100 * np.exp(logs) * np.array(trend)


def measured(**options):
    return measure(scores(**options), STEPS, "fd_digits", True, 5.0)


def recipe(**options):
    given = {"retrain.steps": "300", **{f"retrain.{name}": value for name, value in options.items()}}
    return load_experiment("digits", given).retrain


def headings(found):
    return [line.partition(":")[0] for line in found]


def test_noise_and_factors_are_of_logarithms():
    found = measured(noise=0.4)
    assert found.deviation == pytest.approx(0.4, abs=0.15)
    assert found.factors[1] > found.factors[3] > found.factors[10] > 1
    assert f"3 seeds, differences under a factor of {found.factors[3]:.2f} in fd_digits" in found.sentence


def test_a_reliable_recipe_has_nothing_to_change():
    found = measured(noise=0.12, signal=0.8)
    assert found.correlation.value > 0.9
    assert headings(advice(found, recipe())) == ["nothing has to change"]


def test_a_noisy_one_is_to_be_annealed_longer_and_repeated():
    found = advice(measured(noise=0.5, signal=0.3), recipe(lr_decay="none"))
    assert headings(found)[:3] == ["annealed", "longer", "more seeds"]
    assert "annealed" not in headings(advice(measured(noise=0.5, signal=0.3), recipe(lr_decay="linear")))


def test_without_any_signal_no_number_of_seeds_is_named():
    ends = scores(noise=0.0, signal=0.0)
    ends[::2, 0] *= 2
    ends[1::2, 1] *= 2
    found = measure(ends, STEPS, "fd_digits", True, 5.0)
    assert found.intraclass.value < 0
    assert "another recipe first" in headings(advice(found, recipe()))


def test_scores_that_got_worse_ask_for_less():
    found = measured(noise=0.12, signal=0.8, trend=(1.5, 1.0, 1.4))
    assert found.best_step == 200
    (line,) = advice(found, recipe())
    assert line.startswith("shorter, or more images: the median fd_digits was best at step 200")


def test_the_best_step_of_a_score_that_should_be_high_is_the_highest():
    found = measure(scores(trend=(1.0, 3.0, 2.0)), STEPS, "is_digits_mean", False, 5.0)
    assert found.best_step == 200
    assert found.worse_than(200) > 0


def test_quiet_scores_of_few_samples_ask_for_more():
    found = advice(measured(noise=0.02, signal=0.8), recipe())
    assert headings(found) == ["more samples"]


def test_few_genotypes_ask_for_more():
    found = measured().model_copy(update={"correlation": Estimate(0.5, -0.45, 0.92)})
    *_, line = advice(found, recipe())
    assert "anything from -0.45 to 0.92; try reliability.genotypes 48" in line


@pytest.mark.parametrize(("lower_is_better", "collapsed"), [(True, 900.0), (False, 10.0)])
def test_far_worse_runs_and_those_without_a_score_have_collapsed(lower_is_better, collapsed):
    ends = np.full((10, 2, 3), 100.0) + np.arange(10)[:, None, None]
    ends[0, 0, -1], ends[1, 1, -1] = collapsed, math.nan
    found = measure(ends, STEPS, "score", lower_is_better, 5.0)
    assert found.collapsed == pytest.approx(2 / 20)
    assert (found.genotypes, found.complete) == (10, 9)


def test_many_collapses_come_first():
    ends = scores()
    ends[:6, 0, -1] = 1e5
    assert headings(advice(measure(ends, STEPS, "fd_digits", True, 5.0), recipe()))[0] == "stabler"


def test_scores_without_logarithms_are_refused():
    ends = scores()
    ends[0, 0, 0] = -1
    with pytest.raises(ReliabilityError, match="zero or below"):
        measure(ends, STEPS, "kd", True, 5.0)


def test_the_telling_step_is_the_first_that_is_followed_by_none_that_tells_less():
    random = np.random.default_rng(1)
    ends = np.exp(random.standard_normal((24, 1, 1)) + np.zeros((24, 2, 3)))
    ends[:, :, 0] = np.exp(random.standard_normal((24, 2)))
    assert measure(ends, STEPS, "fd_digits", True, 5.0).telling_step == 200


def test_the_table_names_every_figure():
    found = measured()
    shown = {name: value for name, value, _ in rows(found)}
    assert shown["rank correlation between two seeds"] == f"{found.correlation.value:.2f}"
    assert shown["smallest difference that 3 seeds show"] == f"factor {found.factors[3]:.2f}"
    assert shown["step 100 ranks the end of another seed"] == f"{found.other_seed[0]:.2f}"
    assert render(found, advice(found, recipe()))
