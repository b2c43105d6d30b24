import pytest

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.curves import comparable_steps, last_common_step
from orchestrator.selection.policy import settle
from orchestrator.selection.recorded import default_config
from tests.orchestrator.selection.tables import NAN, curves_of


def curve(*steps: int) -> dict[int, float]:
    return dict.fromkeys(steps, 1.0)


def test_steps_recorded_by_half_of_the_runs_that_lasted_so_long_are_comparable() -> None:
    curves = curves_of(
        {(1, 0): curve(10, 20, 30), (2, 0): curve(10, 30), (3, 0): curve(10, 25, 30), (4, 0): curve(10)}
    )
    assert comparable_steps(curves).tolist() == [10, 30]


def test_runs_that_ended_do_not_make_later_steps_incomparable() -> None:
    curves = curves_of({(1, 0): curve(10, 20), (2, 0): curve(10), (3, 0): curve(10)})
    assert comparable_steps(curves).tolist() == [10, 20]


def test_the_last_common_step_was_reached_by_half_of_the_genotypes() -> None:
    curves = curves_of(
        {(1, 0): curve(10, 20, 30), (2, 0): curve(10, 20), (2, 1): curve(10), (3, 0): curve(10)}
    )
    assert last_common_step(curves) == 20


def test_one_of_two_genotypes_is_half_of_them() -> None:
    assert last_common_step(curves_of({(1, 0): curve(10, 30), (2, 0): curve(10)})) == 30


def test_a_run_that_went_on_alone_moves_nothing() -> None:
    curves = curves_of({(1, 0): curve(10, 20, 999), (2, 0): curve(10, 20), (3, 0): curve(10, 20)})
    assert last_common_step(curves) == 20
    assert default_config(curves).rungs == (10, 20)


def test_default_rungs_are_the_recorded_steps_nearest_to_4_12_25_50_percent_and_the_end() -> None:
    curves = curves_of({(genotype, 0): curve(*range(100, 2001, 100)) for genotype in range(3)})
    # 4 % of 2000 is 80, 12 % is 240.
    assert default_config(curves).rungs == (100, 200, 500, 1000, 2000)
    assert default_config(curves).max_repeats == (1, 1, 1, 2, 3)


def test_rungs_that_are_the_same_recorded_step_cut_there_as_much_as_both() -> None:
    curves = curves_of({(genotype, 0): curve(20, 60, 120, 240) for genotype in range(3)})
    # 4 % of 240 is 10, 12 % is 29: 20 is nearest to both, where 0.5 and then 0.6 go on.
    found = default_config(curves)
    assert found.rungs == (20, 60, 120, 240)
    assert found.keep == pytest.approx((0.3, 0.6, 0.7))


def test_values_given_for_rungs_that_become_one_are_merged_too() -> None:
    def nearest(share: float) -> int:
        return min((20, 100), key=lambda step: abs(step - 100 * share))

    config = SelectionConfig(
        rungs=(0.1, 0.2, 0.9, 1.0), keep=(0.5, 0.4, 0.9), repeats=(1, 2, 3, 4), max_repeats=5
    )
    found = settle(config, nearest)
    assert found.rungs == (20, 100)
    assert found.keep == pytest.approx((0.2,)), "the cut after 90 % would be at the end"
    assert (found.repeats, found.max_repeats) == ((2, 4), (5,))
    counted = config.model_copy(update={"keep": (0.5, 3.0, 2.0)})
    assert settle(counted, nearest).keep == (3.0,), "a number of candidates is no share"


def test_a_table_of_one_step_has_one_rung() -> None:
    config = default_config(curves_of({(1, 0): {50: NAN}}))
    assert (config.rungs, config.max_repeats) == ((50,), (3,))
