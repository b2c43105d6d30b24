"""A recipe whose reliability is known gets its rungs from it; all others keep those of their policy."""

import io

import pytest

from orchestrator.config.experiment import with_overrides
from orchestrator.console.console import Console
from orchestrator.selection.plan import plan_of, select_stage
from orchestrator.stages.session import Session
from tests.orchestrator.tiny_jobs import tiny_job
from tests.orchestrator.yardstick.reliable import measured, save_measured

TEN_STEPS = {"name": "chosen", "select": {"random": 4}, "retrain.steps": 10}
BLIND_UNTIL_6 = (0.0, 0.0, 0.0, 0.0, 0.1, 0.9, 0.9, 0.9, 0.9, 0.95)


def chosen(root, **options):
    """With a finished reliability run beside it: before step 6 of 10 scores say nothing."""
    experiment = with_overrides(tiny_job(root).experiment, TEN_STEPS)
    if not (root / "yardstick").exists():
        save_measured(experiment, "yardstick", measured(BLIND_UNTIL_6))
    return with_overrides(experiment, {name.replace("__", "."): value for name, value in options.items()})


def test_early_rungs_give_way_to_the_first_that_tells(tmp_path):
    found = select_stage(chosen(tmp_path))
    assert found.steps == (6, 10)
    assert found.keep is None, "a third goes on, as from any rungs that are not the policy's own"
    assert select_stage(chosen(tmp_path, select__policy="asha")).steps == (6, 10)


def test_without_a_run_of_the_recipe_rungs_are_those_of_the_policy(tmp_path):
    assert select_stage(chosen(tmp_path, retrain__ema_decay=0.5)).steps == (1, 2, 5, 10)


@pytest.mark.parametrize(
    ("option", "steps"),
    [
        ({"select__rungs": [2, 10]}, (2, 10)),
        ({"select__policy": "freeze_thaw"}, (1, 2, 4, 7, 10)),
        ({"select__policy": "full"}, (10,)),
        ({"select__measured_rungs": False}, (1, 2, 5, 10)),
    ],
)
def test_what_was_given_or_needs_no_ranking_stays(tmp_path, option, steps):
    assert select_stage(chosen(tmp_path, **option)).steps == steps


def test_given_rungs_give_way_where_the_configuration_says_so(tmp_path):
    """As in the presets of the paper's data sets: those who passed an earlier rung by its own share stay."""
    given = {"select__rungs": [0.04, 0.4, 1.0], "select__keep": [0.3, 0.5], "select__max_repeats": [1, 2, 3]}
    assert select_stage(chosen(tmp_path, **given)).steps == (1, 4, 10)
    found = select_stage(chosen(tmp_path, select__measured_rungs=True, **given))
    assert (found.steps, found.keep, found.max_repeats) == ((6, 10), (0.5,), (2, 3))


def test_values_for_each_of_the_policys_rungs_lose_those_of_the_dropped_ones(tmp_path):
    found = select_stage(chosen(tmp_path, select__repeats=[1, 1, 2, 3]))
    assert (found.steps, found.repeats) == ((6, 10), (2, 3))


def test_one_line_says_where_the_rungs_come_from(tmp_path):
    said = {}
    for name, options in {"measured": {}, "given": {"select__rungs": [2, 10]}}.items():
        output = io.StringIO()
        session = Session.begin(chosen(tmp_path, **options), Console(output))
        plan_of(session, None)
        said[name] = [line for line in output.getvalue().splitlines() if "rungs" in line]
    (line,) = said["measured"]
    assert line.startswith("select: rungs 6, 10, as run yardstick measured: step 6 is the first to rank")
    assert said["given"] == []
