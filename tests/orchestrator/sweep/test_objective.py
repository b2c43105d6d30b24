"""What the sampler is told of several seeds."""

import pytest

from orchestrator.config.experiment import load_experiment
from orchestrator.sweep.config import Objective, known_metrics, values


def test_the_mean_over_seeds():
    assert Objective(metric="fd", goal="minimize").value([1.0, 2.0, 6.0]) == 3.0


@pytest.mark.parametrize(("goal", "expected"), [("minimize", 7.0), ("maximize", 3.0)])
def test_deviations_make_it_worse(goal, expected):
    # 3, 5, 7: mean 5, sample deviation 2
    assert Objective(metric="fd", goal=goal, deviations=1.0).value([3.0, 5.0, 7.0]) == expected


def test_one_seed_is_not_made_worse():
    assert Objective(metric="fd", goal="minimize", deviations=1.0).value([4.0]) == 4.0


def test_several_objectives_each_take_their_metric():
    objectives = [Objective(metric="fd", goal="minimize"), Objective(metric="parameters", goal="minimize")]
    assert values(objectives, [{"fd": 1.0, "parameters": 10.0}, {"fd": 3.0, "parameters": 30.0}]) == [
        2.0,
        20.0,
    ]


def test_scores_are_those_that_the_evaluation_gives():
    known = known_metrics(load_experiment("digits_adversarial").retrain.evaluation)
    assert known == ("fd_digits", "is_digits_mean", "is_digits_std", "parameters", "multiply_adds", "latency")
    assert "fid" in known_metrics(load_experiment("cifar10").retrain.evaluation)
