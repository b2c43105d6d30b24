import io

import pytest

from orchestrator.console.console import Console
from orchestrator.console.outlook import Outlook, Work
from orchestrator.console.progress import Progress
from trainers.report import Report
from trainers.ticks import tick


def test_steps_trainings_and_images_add_up():
    outlook = Outlook({"retrain": 0.5}, image=0.1, training=3.0)
    works = [Work("retrain", steps=100, trainings=2, images=50), Work("evaluate", images=20)]
    assert outlook.seconds(works, pace=7.0) == pytest.approx(50 + 6 + 5 + 2)


def test_steps_of_an_unknown_kind_take_the_present_pace():
    assert Outlook().seconds([Work("retrain", steps=10, trainings=1, images=5)], pace=7.0) == 70


def test_a_stage_that_is_done_tells_what_its_parts_took():
    now = [0.0]
    outlook = Outlook()
    done = Progress(
        "select 1 of 2", 10, 0, clock=lambda: now[0], images_after=lambda step: 4 if step < 10 else 0
    )
    now[0] = 5.0  # the networks are built
    done.ticked(0)
    for step in range(1, 11):
        now[0] += 2.0
        done.ticked(step)
    now[0] += 12.0
    done.reached(10)
    outlook.learn("retrain", done)
    assert outlook == Outlook({"retrain": 2.0}, image=3.0, training=5.0)


def test_a_stage_without_steps_teaches_nothing():
    outlook = Outlook({"retrain": 1.0})
    outlook.learn("retrain", Progress("retrain", 10, 10))
    assert outlook == Outlook({"retrain": 1.0})


def test_the_lines_of_a_stage_tell_the_time_of_all_that_follows():
    stream = io.StringIO()
    console = Console(stream)
    console.outlook.steps["retrain"] = 3600.0
    with (
        console.ahead(Work("retrain", steps=2)),
        console.ahead(Work("retrain", steps=3)),
        console.stage("search", 2) as view,
    ):
        tick(1)
        tick(2)
        view.report(Report(step=2, metrics={}))
    assert ", whole run about 5:00:00" in stream.getvalue()
    assert console.outlook.steps["search"] < 1
