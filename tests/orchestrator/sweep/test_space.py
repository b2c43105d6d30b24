"""Spaces: what Optuna draws, corners, grids, conditions."""

import optuna
import pytest
from pydantic import ValidationError

from orchestrator.sweep.space import Axis, corners, grid, labels, suggest


def axis(**fields):
    return Axis.model_validate(fields)


CONDITIONAL = {
    "relaxation": axis(categorical=["gumbel", "softmax"]),
    "tau": axis(uniform=[0.1, 1.0], points=2, when={"relaxation": "gumbel"}),
}


@pytest.mark.parametrize(
    ("fields", "mistake"),
    [
        ({}, "give one of"),
        ({"int": [1, 2], "uniform": [0, 1]}, "uniform and int"),
        ({"uniform": [1.0, 0.5]}, "lowest value comes first"),
        ({"log_uniform": [0.0, 1.0]}, "above 0"),
        ({"categorical": []}, "at least one"),
        ({"int": [1, 2], "stop": 3}, "stop"),
    ],
)
def test_an_axis_that_makes_no_sense_is_refused(fields, mistake):
    with pytest.raises(ValidationError, match=mistake):
        axis(**fields)


def test_a_condition_that_does_not_hold_leaves_the_name_out():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [suggest(CONDITIONAL, study.ask()) for _ in range(20)]
    assert {params["relaxation"] for params in drawn} == {"gumbel", "softmax"}
    assert all(("tau" in params) == (params["relaxation"] == "gumbel") for params in drawn)


def test_values_are_drawn_from_their_ranges():
    space = {"a": axis(log_uniform=[1e-4, 1e-2]), "b": axis(int=[2, 8], step=3), "c": axis(uniform=[-1, 1])}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [suggest(space, study.ask()) for _ in range(200)]
    assert all(1e-4 <= params["a"] <= 1e-2 and -1 <= params["c"] <= 1 for params in drawn)
    assert 70 < sum(params["a"] < 1e-3 for params in drawn) < 130  # half of them: the axis is logarithmic
    assert {params["b"] for params in drawn} == {2, 5, 8}


def test_lists_may_be_choices():
    space = {"betas": axis(categorical=[[0.0, 0.9], [0.5, 0.999]])}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    assert {tuple(suggest(space, study.ask())["betas"]) for _ in range(20)} == {(0.0, 0.9), (0.5, 0.999)}


def test_a_grid_holds_each_configuration_once():
    assert grid(CONDITIONAL, 100) == [
        {"relaxation": "gumbel", "tau": 0.1},
        {"relaxation": "gumbel", "tau": 1.0},
        {"relaxation": "softmax"},
    ]


def test_a_logarithmic_grid_has_equal_ratios():
    points = [params["lr"] for params in grid({"lr": axis(log_uniform=[0.01, 1.0], points=3)}, 100)]
    assert points == pytest.approx([0.01, 0.1, 1.0])


def test_a_continuous_axis_needs_points_in_a_grid():
    with pytest.raises(ValueError, match="points"):
        grid({"lr": axis(uniform=[0, 1])}, 100)


def test_a_point_of_a_grid_can_be_queued_and_comes_back():
    space = {**CONDITIONAL, "betas": axis(categorical=[[0.0, 0.9], [0.5, 0.999]])}
    study = optuna.create_study()
    points = grid(space, 100)
    for point in points:
        study.enqueue_trial(labels(point))
    assert [suggest(space, study.ask()) for _ in points] == points


def test_corners_are_the_ends_of_every_axis():
    space = {"a": axis(uniform=[0, 1]), "b": axis(int=[3, 9])}
    assert list(corners(space, 100)) == [{"a": a, "b": b} for a in (0, 1) for b in (3, 9)]


def test_of_too_many_corners_some_from_everywhere_are_taken():
    space = {f"x{i}": axis(int=[0, 1]) for i in range(10)}
    taken = list(corners(space, 64))
    assert len(taken) == 64
    assert {params["x0"] for params in taken} == {0, 1}
