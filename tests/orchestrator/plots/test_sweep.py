"""Which figures a study has enough trials for."""

import optuna
import pytest

from orchestrator.plots.sweep import FEWEST_FOR_IMPORTANCES, figures

PNG = b"\x89PNG"


def study_of(trials, directions=("minimize",)):
    study = optuna.create_study(directions=directions, sampler=optuna.samplers.RandomSampler(0))
    for _ in range(trials):
        trial = study.ask()
        value = trial.suggest_float("search.strategy.alpha_optimizer.lr", 1e-3, 1e-1, log=True)
        if len(directions) == 1:
            trial.report(2 * value, 1)
        study.tell(trial, [value + number for number in range(len(directions))])
    return study


@pytest.mark.parametrize(
    ("trials", "names"),
    [
        (2, {"history", "parallel_coordinate", "intermediate_values"}),
        (
            FEWEST_FOR_IMPORTANCES,
            {"history", "parallel_coordinate", "intermediate_values", "importances"},
        ),
    ],
)
def test_importances_wait_for_enough_trials(trials, names):
    drawn = figures(study_of(trials))
    assert set(drawn) == {f"{name}.png" for name in names}
    assert all(png.startswith(PNG) for png in drawn.values())


def test_several_objectives_have_a_front():
    assert set(figures(study_of(3, ("minimize", "minimize")))) == {"pareto_front.png"}


def test_a_sweep_without_a_whole_trial_has_what_can_be_drawn():
    assert "importances.png" not in figures(study_of(0))
