"""Only what means the same is ranked together, and a lead is called real only beyond noise."""

from dataclasses import replace

import pytest

from orchestrator.compare.export import rows_of
from orchestrator.compare.groups import best_in_words, groups_of, is_settled, verdict
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
def test_other_protocols_and_other_lengths_are_never_ranked_together(other):
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


def test_groups_that_nobody_named_come_after_those_that_were():
    longer = {"recipe": {"retrain.steps": "600"}}
    everyone = [trained("a", 10.0), trained("b", 7.0), trained("mine", 5.0, **longer)]
    assert [names(group.rows) for group in groups_of(everyone)] == [["b", "a"], ["mine"]]
    assert [names(group.rows) for group in groups_of(everyone, ["mine"])] == [["mine"], ["b", "a"]]


def test_the_best_score_on_the_way_is_told_apart_from_the_last():
    curves = {"fd_digits": [(100, 8.0), (200, 6.0), (300, 9.0)]}
    candidate = trained("a", 9.0)
    candidate = replace(candidate, trainings=(replace(candidate.trainings[0], curves=curves),))
    (group,) = groups_of([candidate, trained("b", 8.5)])
    assert names(group.rows) == ["b", "a"], "the order is by the last scores"
    assert [best_in_words(row, "fd_digits") for row in group.rows] == ["8.5", "6"]
    rows = rows_of([group], [])
    assert [(row["fd_digits_last"], row["fd_digits_best"]) for row in rows] == [(8.5, 8.5), (9.0, 6.0)]
