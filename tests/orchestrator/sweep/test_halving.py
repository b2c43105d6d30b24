"""Who is stopped, and what the scheduler knows of trials of an earlier driver."""

from types import SimpleNamespace

import pytest
from ray.tune.schedulers import TrialScheduler

from orchestrator.sweep.config import AshaConfig, Objective
from orchestrator.sweep.halving import Halving
from orchestrator.sweep.trial import DONE, EVALUATIONS

STOP, CONTINUE = TrialScheduler.STOP, TrialScheduler.CONTINUE


@pytest.fixture
def stopped():
    return []


@pytest.fixture
def halving(stopped):
    objective = Objective(metric="fd", goal="minimize")
    return Halving(AshaConfig(grace=1, reduction=2), objective, total=4, stopped=stopped.append)


def come_to(halving, name, evaluations, score, **more):
    trial = SimpleNamespace(trial_id=name)
    if name not in halving._trial_info:
        halving.on_trial_add(None, trial)
    return halving.on_trial_result(None, trial, {EVALUATIONS: evaluations, "fd": score, **more})


def test_the_worse_half_of_a_rung_is_stopped_and_said_so(halving, stopped):
    assert come_to(halving, "a", 1, 5.0) == CONTINUE  # the first has nobody to be compared with
    assert come_to(halving, "b", 1, 9.0) == STOP
    assert come_to(halving, "c", 1, 1.0) == CONTINUE
    assert stopped == ["b"]


def test_the_last_evaluation_stops_nobody(halving):
    come_to(halving, "a", 1, 5.0)
    come_to(halving, "b", 1, 4.0)
    for number in (2, 3, 4):
        come_to(halving, "b", number, 1.0)
    assert come_to(halving, "a", 4, 99.0) != STOP or 4 not in [
        rung for rung, _ in halving._brackets[0]._rungs
    ]
    assert [rung for rung, _ in halving._brackets[0]._rungs] == [2, 1]


def test_a_last_message_is_no_evaluation(halving, stopped):
    come_to(halving, "a", 1, 1.0)
    assert come_to(halving, "b", 4, 99.0, **{DONE: []}) == CONTINUE
    assert stopped == []


def test_trials_of_an_earlier_driver_count(halving):
    halving.remember("earlier-0", {1: 2.0, 2: 1.5})
    assert come_to(halving, "a", 1, 9.0) == STOP
    assert come_to(halving, "b", 1, 1.0) == CONTINUE
    assert come_to(halving, "b", 2, 9.0) == STOP


def test_who_goes_on_is_not_judged_twice_at_a_rung(halving):
    halving.remember("a", {1: 9.0})
    halving.remember("earlier-0", {1: 1.0})
    assert come_to(halving, "a", 1, 9.0) == CONTINUE
