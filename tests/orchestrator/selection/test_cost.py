from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policies.repeats import planned_steps, steps_ahead


def test_the_plan_trains_everyone_to_the_first_rung_and_the_kept_from_there_on() -> None:
    config = SelectionConfig(rungs=(100, 300, 900), keep=(4, 2))
    # 12 to 100; 4 from 100 to 300; 2 from 300 to 900.
    assert planned_steps(config, 12) == 1200 + 800 + 1200


def test_runs_added_at_a_later_rung_train_from_the_start() -> None:
    config = SelectionConfig(rungs=(100, 300), keep=2, repeats=(1, 3))
    # 5 to 100; of 2, one run goes on for 200 and two start anew.
    assert planned_steps(config, 5) == 500 + 2 * (200 + 2 * 300)


def test_of_those_who_may_stand_the_costliest_are_reckoned_with() -> None:
    config = SelectionConfig(rungs=(100, 300), keep=2)
    assert steps_ahead(config, 1, 2, [1, 3, 1, 2]) == (3 + 2) * 200


def test_nothing_is_ahead_after_the_last_rung() -> None:
    assert steps_ahead(SelectionConfig(rungs=(100,)), 1, 3, [1, 2, 3]) == 0
