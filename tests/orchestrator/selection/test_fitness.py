"""A selection that does not fit its retraining is refused before anything is trained."""

import pytest

from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import load_experiment
from orchestrator.selection.plan import select_stage


def digits(**options):
    given = {"select.rungs": "[300, 500]", "retrain.lr_decay": "none"}
    return load_experiment("digits", {**given, **options})


def test_score_stands_for_the_first_metric_of_the_evaluation():
    assert select_stage(digits()).metric == "fd_digits"


def test_another_reported_metric_can_be_compared():
    options = {"select.metric": "is_digits_mean", "select.lower_is_better": "false"}
    assert select_stage(digits(**options)).metric == "is_digits_mean"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("select", "null", "select = null: give rungs"),
        ("select.metric", "fid", "select.metric = fid: not in .*; use fd_digits, is_digits_mean, is_digits"),
        ("select.metric", "is_digits_mean", "select.lower_is_better = true: of is_digits_mean it is false"),
        ("select.rungs", "[300, 2000]", "select.rungs: 2000 is beyond retrain.steps = 600"),
        (
            "retrain.discriminator.architecture",
            "derived",
            "retrain.discriminator.architecture = derived: .* use fixed",
        ),
    ],
)
def test_what_does_not_fit_is_said_with_its_name_and_the_cure(option, value, message):
    with pytest.raises(ConfigError, match=message):
        select_stage(digits(**{option: value}))


@pytest.mark.parametrize("preset", ["cifar10", "cifar10_official", "cifar10_mmd", "stl10"])
def test_presets_can_be_selected_by(preset):
    assert select_stage(load_experiment(preset)).metric == "fid"
