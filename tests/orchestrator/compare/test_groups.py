"""Only what means the same is ranked together, and a lead is called real only beyond noise."""

import pytest

from orchestrator.compare.groups import groups_of, is_settled, verdict
from tests.orchestrator.compare.candidates import PROTOCOL, names, trained


def test_lower_scores_come_first_and_higher_ones_where_more_is_better():
    (group,) = groups_of([trained("b", 20.0), trained("a", 10.0)])
    assert names(group.rows) == ["a", "b"]
    candidates = [
        trained(name, score, metrics=("is_digits_mean",), trainings=()) for name, score in (("c", 1.0),)
    ]
    assert groups_of(candidates) == [], "who was never trained is in no group"


@pytest.mark.parametrize(
    "other",
    [
        {"protocol": {**PROTOCOL, "samples": "500"}},
        {"recipe": {"retrain.steps": "600"}},
    ],
)
def test_other_fingerprints_and_other_lengths_are_never_ranked_together(other):
    groups = groups_of([trained("a", 10.0), trained("b", 5.0, **other), trained("c", 7.0)])
    assert [names(group.rows) for group in groups] == [["c", "a"], ["b"]]


def test_a_lead_beyond_noise_is_real():
    # Deviation 1 in both, 4 degrees of freedom: the error of the difference is sqrt(2 / 3) = 0.816.
    (group,) = groups_of([trained("a", 9.0, 10.0, 11.0), trained("b", 29.0, 30.0, 31.0)])
    behind = group.rows[1].behind
    assert behind is not None
    assert behind.size == pytest.approx(20)
    assert behind.standard_errors == pytest.approx(20 / 0.8165, rel=1e-3)
    assert is_settled(group)
    assert "real" in " ".join(verdict(group))


def test_a_lead_within_noise_is_called_so():
    (group,) = groups_of([trained("a", 8.0, 10.0, 12.0), trained("b", 9.0, 11.0, 13.0)])
    assert not is_settled(group)
    text = " ".join(verdict(group))
    assert "within noise" in text
    assert "cannot be told from 1 of 1 others" in text


def test_single_runs_tell_nothing():
    (group,) = groups_of([trained("a", 10.0), trained("b", 20.0)])
    assert not is_settled(group)
    assert "cannot be told: every architecture was trained once" in " ".join(verdict(group))


def test_diverged_trainings_are_counted_and_rank_last():
    (group,) = groups_of([trained("lost", None, None, 1.0), trained("a", 10.0, 11.0)])
    assert names(group.rows) == ["a", "lost"]
    assert "2 of 5 trainings came to no score." in list(verdict(group))


def test_differing_recipes_are_named():
    (group,) = groups_of(
        [
            trained("a", 10.0, recipe={"retrain.steps": "300", "retrain.ema_decay": "0.9"}),
            trained("b", 20.0, recipe={"retrain.steps": "300", "retrain.ema_decay": "0.99"}),
        ]
    )
    assert group.recipes() == {"retrain.ema_decay": ["0.9", "0.99"]}
    assert "recipes differ (retrain.ema_decay 0.9, 0.99)" in " ".join(verdict(group))
