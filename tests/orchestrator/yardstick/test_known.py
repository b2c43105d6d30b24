"""A measurement is found by its recipe, and says from where on scores mean something."""

import json

import pytest

from orchestrator.config.experiment import with_overrides
from orchestrator.yardstick.known import known_reliability
from tests.orchestrator.tiny_jobs import tiny_job
from tests.orchestrator.yardstick.reliable import measured, save_measured

LATE = (0.0, 0.1, 0.9, 0.95)
"""Before step 3 of 4 scores say nothing."""


@pytest.fixture
def experiment(tmp_path):
    return tiny_job(tmp_path).experiment


def test_the_first_rung_is_the_first_step_that_ranks_half_as_well_as_the_end():
    found = measured(LATE)
    assert found.other_seed[1] < found.other_seed[3] / 2 < found.other_seed[2]
    assert found.first_rung == 3


def test_nothing_speaks_against_early_rungs_where_the_first_step_tells_or_even_ends_do_not():
    assert measured((0.9, 0.1, 0.9, 0.95)).first_rung is None
    chance = measured((0.9, 0.0, 0.0, 0.0))
    assert chance.correlation.low < 0
    assert chance.first_rung is None


def test_a_run_of_the_same_recipe_is_found_whatever_its_seed_and_looks(experiment):
    save_measured(experiment, "yardstick", measured(LATE))
    other = {"seed": 5, "retrain.report_every": 2, "retrain.evaluation.every": 3, "search.steps": 9}
    known = known_reliability(with_overrides(experiment, other), "fd_digits")
    assert known.run == "yardstick"
    factor = known.measured.factors[1]
    assert known.quoted(1).startswith(
        f"with this recipe and 1 seed, differences under a factor of {factor:.2f} in fd_digits cannot be seen"
    )


@pytest.mark.parametrize(
    "option",
    [
        {"retrain.ema_decay": 0.5},
        {"retrain.steps": 4},
        {"retrain.generator.channels": 8},
        {"retrain.evaluation.samples": 77},
        {"cluster.num_workers": 2},
    ],
)
def test_a_run_of_another_recipe_says_nothing(experiment, option):
    save_measured(experiment, "yardstick", measured(LATE))
    assert known_reliability(experiment, "fd_digits")
    assert known_reliability(with_overrides(experiment, option), "fd_digits") is None
    assert known_reliability(experiment, "is_digits_mean") is None


def test_a_run_of_an_earlier_version_is_found(experiment):
    folder = save_measured(experiment, "old", measured(LATE))
    recipe = json.loads((folder / "recipe.json").read_text())
    later = ("search.space", "retrain.loss.name")
    (folder / "recipe.json").write_text(json.dumps({k: v for k, v in recipe.items() if k not in later}))
    assert known_reliability(experiment, "fd_digits").run == "old"


def test_the_run_with_most_trainings_counts_and_damaged_files_do_not(experiment):
    few, many = measured(LATE), measured(LATE)
    save_measured(experiment, "z-few", few.model_copy(update={"degrees": many.degrees - 1}))
    save_measured(experiment, "many", many)
    (save_measured(experiment, "broken", many) / "reliability.json").write_text("{")
    assert known_reliability(experiment, "fd_digits").run == "many"
