"""Mistakes of a sweep are found before it starts, and say what to do."""

import pytest

from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import load_experiment
from orchestrator.sweep.config import load_sweep
from orchestrator.sweep.validation import evaluations, validate
from tests.orchestrator.sweep.sweeps import sweep_of


def test_a_sound_sweep_passes():
    validate(sweep_of())


def test_the_example_passes_in_its_stated_size():
    sweep = load_sweep("sweep_digits", {})
    validate(sweep)
    assert (sweep.config.seeds, sweep.config.budget.trials) == (2, 8)
    assert len(sweep.config.space) >= 2
    assert sweep.config.asha is not None


@pytest.mark.parametrize(
    ("name", "axis", "mistake"),
    [
        (
            "search.alpha_optimiser.lr",
            {"uniform": [0.1, 1]},
            "did you mean .*search.strategy.alpha_optimizer.lr",
        ),
        ("search.n_critic", {"int": [0, 3]}, "search.n_critic = 0"),
        ("search.batch_size", {"int": [16, 33]}, "search.batch_size = 33"),
        ("search.strategy.relaxation", {"categorical": ["gumbel", "gumble"]}, "gumble"),
        ("seed", {"int": [0, 3]}, "seeds are repeats"),
        ("cluster.num_workers", {"int": [0, 3]}, "does not decide"),
        ("retrain.evaluation.metrics", {"categorical": [["fd"], ["is"]]}, "without a score"),
    ],
)
def test_a_space_that_does_not_fit_the_base_is_refused(name, axis, mistake):
    with pytest.raises(ConfigError, match=mistake):
        validate(sweep_of(space={name: axis}))


def test_asha_of_a_file_is_switched_off_by_null():
    assert load_sweep("sweep_digits", {"asha.grace": "2"}).config.asha.grace == 2
    assert load_sweep("sweep_digits", {"asha": "null"}).config.asha is None


def test_an_objective_that_nobody_measures_is_refused():
    with pytest.raises(ConfigError, match="did you mean fd_digits"):
        validate(sweep_of(objective={"metric": "fd_digit", "goal": "minimize"}))


def test_a_sweep_without_scores_is_refused():
    with pytest.raises(ConfigError, match=r"retrain\.evaluation\.every = 0"):
        validate(sweep_of(overrides={"retrain.evaluation.every": 0}))


def test_halving_needs_trainings_of_equal_length():
    changes = {"asha": {"grace": 1}, "space": {"retrain.steps": {"int": [600, 1200]}}}
    with pytest.raises(ConfigError, match="asha: compares equally long trainings"):
        validate(sweep_of(**changes))


def test_halving_must_be_able_to_stop_somebody():
    paces = {"retrain.steps": 400, "retrain.report_every": 100, "retrain.evaluation.every": 100}
    with pytest.raises(ConfigError, match="2 seeds of 4 evaluations each are 8"):
        validate(sweep_of(seeds=2, asha={"grace": 8}, overrides=paces))


def test_a_condition_names_what_was_drawn_before():
    axis = {"int": [1, 2], "when": {"search.strategy.tau_end": 1}}
    with pytest.raises(ValueError, match="must be named before"):
        sweep_of(space={"search.n_critic": axis})


def test_halving_takes_one_objective():
    both = [{"metric": "fd_digits", "goal": "minimize"}, {"metric": "parameters", "goal": "minimize"}]
    with pytest.raises(ValueError, match="asha: stops trials by one objective"):
        sweep_of(objective=both, asha={})


@pytest.mark.parametrize(
    ("every", "report_every", "steps", "due"),
    [(10, 5, 40, [10, 20, 30, 40]), (10, 4, 20, [12, 20]), (7, 10, 25, [10, 20, 25])],
)
def test_evaluations_are_counted_as_they_come(every, report_every, steps, due):
    retrain = load_experiment("digits_adversarial").retrain
    retrain = retrain.model_copy(
        update={
            "steps": steps,
            "report_every": report_every,
            "evaluation": retrain.evaluation.model_copy(update={"every": every}),
        }
    )
    assert evaluations(retrain) == len(due)
    assert [evaluations(retrain, step) for step in due] == list(range(1, len(due) + 1))


def test_options_of_the_sweep_and_of_its_base_share_the_command_line():
    sweep = load_sweep("sweep_digits", {"budget.trials": "3", "search.steps": "20", "name": "mine"})
    assert sweep.config.budget.trials == 3
    assert sweep.config.name == "mine"
    assert sweep.base.search.steps == 20
    assert sweep.base.retrain.steps == 600  # the file's own
