"""What the study is told of each trial, and what the next driver finds there."""

import optuna
import pytest
from ray.tune.search import Searcher

from orchestrator.config.errors import ConfigError
from orchestrator.sweep.results import Row
from orchestrator.sweep.searcher import StudySearch
from orchestrator.sweep.study import PARAMS, open_study
from orchestrator.sweep.trial import DONE, EVALUATIONS, FAILED
from tests.orchestrator.sweep.sweeps import sweep_of

BOTH = [{"metric": "fd_digits", "goal": "minimize"}, {"metric": "parameters", "goal": "minimize"}]


@pytest.fixture
def study(tmp_path):
    return open_study(sweep_of(), "mine", tmp_path)


def message(score, evaluations, **more):
    return {"fd_digits": score, EVALUATIONS: evaluations, **more}


def test_a_whole_trial_is_complete_with_the_mean(study):
    search = StudySearch(sweep_of(), study)
    search.suggest("a")
    search.on_trial_result("a", message(9.0, 1))
    runs = [{"fd_digits": 4.0}, {"fd_digits": 6.0}]
    search.on_trial_complete("a", message(5.0, 2, **{DONE: runs}))
    (trial,) = study.trials
    assert trial.state.name == "COMPLETE"
    assert trial.value == 5.0
    assert Row.of(trial).runs == runs


def test_a_trial_stopped_early_is_pruned_with_all_it_had_come_to(study):
    search = StudySearch(sweep_of(), study)
    search.suggest("a")
    search.on_trial_result("a", message(9.0, 1))
    search.stopped_early("a")
    # Tune does not show the message at which it stops a trial before this.
    search.on_trial_complete("a", message(8.0, 2))
    (trial,) = study.trials
    assert trial.state.name == "PRUNED"
    assert trial.intermediate_values == {1: 9.0, 2: 8.0}
    with pytest.raises(ValueError, match="does not exist"):
        _ = study.best_trial


def test_a_trial_that_the_driver_alone_ends_stays_under_way(study):
    search = StudySearch(sweep_of(), study)
    search.suggest("a")
    search.on_trial_result("a", message(9.0, 1))
    search.on_trial_complete("a", message(9.0, 1))
    assert study.trials[0].state.name == "RUNNING"


def test_the_next_driver_begins_with_what_was_under_way(study):
    first = StudySearch(sweep_of(), study)
    suggested = [first.suggest(name) for name in "ab"]
    first.on_trial_result("a", message(9.0, 1))
    first.on_trial_complete("b", message(5.0, 4, **{DONE: [{"fd_digits": 5.0}]}))

    second, resumed = StudySearch(sweep_of(), study), {}
    second.resumed = resumed.__setitem__
    assert second.remaining() == 3  # of four: one is whole
    assert second.suggest("c") == suggested[0]
    assert resumed == {"c": {1: 9.0}}
    second.on_trial_result("c", message(9.0, 1))  # comes again
    second.on_trial_result("c", message(7.0, 2))
    assert study.trials[0].intermediate_values == {1: 9.0, 2: 7.0}


def test_a_trial_whose_driver_died_before_it_was_drawn_is_drawn(study):
    study.ask()
    search = StudySearch(sweep_of(), study)
    assert set(search.suggest("a")[PARAMS]) == {"search.strategy.alpha_optimizer.lr", "search.n_critic"}
    assert len(study.trials) == 1


def test_the_budget_ends_the_sweep_over_all_drivers(study):
    for start in range(2):
        search = StudySearch(sweep_of(), study)
        for number in range(2):
            name = f"{start}-{number}"
            search.suggest(name)
            search.on_trial_complete(name, message(1.0, 4, **{DONE: [{"fd_digits": 1.0}]}))
    search = StudySearch(sweep_of(), study)
    assert search.remaining() == 0
    assert search.suggest("more") == Searcher.FINISHED


@pytest.mark.parametrize(
    ("result", "error", "reason"),
    [({FAILED: "NonFiniteLoss: step 3"}, False, "NonFiniteLoss: step 3"), (None, True, "process died")],
)
def test_a_failure_is_recorded_with_its_reason(study, result, error, reason):
    search = StudySearch(sweep_of(), study)
    search.suggest("a")
    search.on_trial_complete("a", result, error)
    row = Row.of(study.trials[0])
    assert row.state == "failed"
    assert reason in row.reason
    assert search.failed == 1


def test_several_objectives_are_told_together(tmp_path):
    sweep = sweep_of(objective=BOTH)
    study = open_study(sweep, "both", tmp_path)
    search = StudySearch(sweep, study)
    search.suggest("a")
    search.on_trial_result("a", {"fd_digits": 9.0, "parameters": 100.0, EVALUATIONS: 1})
    runs = [{"fd_digits": 7.0, "parameters": 100.0}]
    search.on_trial_complete("a", {"fd_digits": 7.0, "parameters": 100.0, EVALUATIONS: 2, DONE: runs})
    assert study.trials[0].values == [7.0, 100.0]


def test_a_grid_is_done_once(tmp_path):
    space = {"search.n_critic": {"int": [1, 3]}}
    sweep = sweep_of(space=space, sampler={"name": "grid"}, budget={"trials": 10})
    for _ in range(2):  # opened again, nothing is queued twice
        study = open_study(sweep, "grid", tmp_path)
    search = StudySearch(sweep, study)
    params = [search.suggest(str(number)) for number in range(4)]
    assert [each[PARAMS]["search.n_critic"] for each in params[:3]] == [1, 2, 3]
    assert params[3] == Searcher.FINISHED


def test_a_grid_goes_on_where_the_queue_of_an_earlier_version_or_of_a_dead_driver_ends(tmp_path):
    space = {"search.n_critic": {"int": [1, 5]}}
    sweep = sweep_of(space=space, sampler={"name": "grid"}, budget={"trials": 10})
    study = open_study(sweep, "grid", tmp_path)
    for value in (1, 2, 3):
        study.enqueue_trial({"search.n_critic": value})
    first = StudySearch(sweep, study)
    drawn = [first.suggest(str(number)) for number in range(2)]
    search = StudySearch(sweep, open_study(sweep, "grid", tmp_path))
    drawn += [search.suggest(f"next {number}") for number in range(5)]
    assert [each[PARAMS]["search.n_critic"] for each in drawn] == [1, 2, 1, 2, 3, 4, 5]
    assert search.suggest("more") == Searcher.FINISHED
    assert len(study.trials) == 5


def test_points_of_a_grid_are_queued_one_at_a_time(tmp_path):
    """Optuna reads the whole queue for each trial."""
    space = {"search.n_critic": {"int": [1, 5]}}
    sweep = sweep_of(space=space, sampler={"name": "grid"}, budget={"trials": 10})
    search = StudySearch(sweep, study := open_study(sweep, "grid", tmp_path))
    search.suggest("a")
    assert [trial.state.name for trial in study.trials] == ["RUNNING"]


@pytest.mark.usefixtures("study")
def test_a_sweep_with_other_settings_does_not_go_on_under_the_name(tmp_path):
    open_study(sweep_of(budget={"trials": 40}), "mine", tmp_path)  # more of the same is fine
    with pytest.raises(ConfigError, match=r"base\.search\.steps = .*was started with"):
        open_study(sweep_of(overrides={"search.steps": 7}), "mine", tmp_path)
    with pytest.raises(ConfigError, match="seeds"):
        open_study(sweep_of(seeds=5), "mine", tmp_path)


@pytest.mark.parametrize("name", ["tpe", "random", "qmc", "cmaes", "nsga2"])
def test_every_sampler_suggests(name, tmp_path):
    sweep = sweep_of(sampler={"name": name})
    search = StudySearch(sweep, open_study(sweep, name, tmp_path))
    assert 0.003 <= search.suggest("a")[PARAMS]["search.strategy.alpha_optimizer.lr"] <= 0.3


def draws(name, folder, stops):
    """Configurations of 14 trials, scored by their number of critic steps; drivers end at some of them."""
    sweep, drawn = sweep_of(sampler={"name": name}, budget={"trials": 14}), []
    search = StudySearch(sweep, open_study(sweep, name, folder))
    for number in range(14):
        if number in stops:  # the first driver has not drawn the trial that the next one finds
            if number % 2:
                search._study.ask()
            search = StudySearch(sweep, open_study(sweep, name, folder))
        drawn.append(search.suggest("a")[PARAMS])
        score = float(drawn[-1]["search.n_critic"])
        search.on_trial_complete("a", message(score, 4, **{DONE: [{"fd_digits": score}]}))
    return drawn


@pytest.mark.parametrize("name", ["tpe", "random", "qmc", "cmaes", "nsga2"])
def test_a_sweep_that_goes_on_draws_what_an_uninterrupted_one_does(name, tmp_path):
    for folder in ("whole", "stopped"):
        (tmp_path / folder).mkdir()
    whole = draws(name, tmp_path / "whole", stops=())
    assert draws(name, tmp_path / "stopped", stops=(1, 6, 12, 13)) == whole
    assert len({str(each) for each in whole}) > 10


@pytest.mark.parametrize("name", ["tpe", "random", "qmc", "cmaes", "nsga2"])
def test_the_next_driver_does_not_draw_the_same_again(name, tmp_path):
    sweep, drawn = sweep_of(sampler={"name": name}), []
    for start in range(4):
        search = StudySearch(sweep, open_study(sweep, name, tmp_path))
        drawn.append(search.suggest("a")[PARAMS]["search.strategy.alpha_optimizer.lr"])
        search.on_trial_complete("a", message(float(start), 4, **{DONE: [{"fd_digits": float(start)}]}))
    assert len(set(drawn)) == 4


def test_an_earlier_study_opens_in_optuna_alone(study, tmp_path):
    StudySearch(sweep_of(), study).suggest("a")
    assert len(optuna.load_study(study_name="mine", storage=f"sqlite:///{tmp_path / 'study.db'}").trials) == 1
