"""The Parquet file and the tables."""

import math
from datetime import datetime

import pyarrow
import pytest

from orchestrator.config.experiment import with_overrides
from orchestrator.sweep import load_results
from orchestrator.sweep.results import Row, best, limit_of, pareto_front, table_of, write_results
from orchestrator.sweep.run_folder import RunFolder, seed_folder, trial_folder
from orchestrator.sweep.table import Board, plain_table
from tests.orchestrator.sweep.sweeps import sweep_of
from tests.orchestrator.yardstick.reliable import measured, save_measured

BEGAN = datetime(2026, 1, 1)


def row(number, state="complete", values=(5.0,), runs=(), **more):
    params = {"search.strategy.alpha_optimizer.lr": 0.01 * (number + 1), "search.n_critic": number + 1}
    fields = {"evaluations": 8, "newest": None, "reason": None, "began": BEGAN, "ended": BEGAN, **more}
    return Row(number, params, state, values, runs, **fields)


ROWS = [
    row(
        0,
        values=(5.0,),
        runs=[{"fd_digits": 3.0, "parameters": 10.0}, {"fd_digits": 7.0, "parameters": 20.0}],
    ),
    row(1, state="stopped", values=(9.0,), evaluations=2),
    row(2, state="failed", values=None, reason="NonFiniteLoss: step 3", evaluations=0),
]


@pytest.fixture
def sweep():
    return sweep_of(seeds=2)


def test_columns_are_typed_and_complete(sweep, tmp_path):
    schema = table_of(sweep, ROWS, tmp_path).schema
    types = {name: schema.field(name).type for name in schema.names}
    assert types["trial"] == types["search.n_critic"] == pyarrow.int64()
    assert types["fd_digits"] == types["search.strategy.alpha_optimizer.lr"] == pyarrow.float64()
    assert types["fd_digits_by_seed"] == pyarrow.list_(pyarrow.float64())
    assert types["began"] == pyarrow.timestamp("ms")


def test_an_empty_sweep_has_the_same_columns(sweep, tmp_path):
    assert table_of(sweep, [], tmp_path).schema == table_of(sweep, ROWS, tmp_path).schema


def test_what_its_seeds_cannot_show_is_told_where_the_best_recipe_was_measured(sweep, tmp_path):
    sweep = sweep.model_copy(update={"base": with_overrides(sweep.base, {"root": str(tmp_path)})})
    assert limit_of(sweep, ROWS) is None
    found = measured((0.5, 0.9, 0.95))
    save_measured(sweep.base, "yardstick", found)  # the sweep varies the search alone
    told = limit_of(sweep, ROWS)
    assert told.startswith(
        f"with this recipe and 2 seeds, differences under a factor of {found.factors[2]:.2f} in"
    )
    assert "(run yardstick: two seeds agree by" in told
    other = sweep.model_copy(update={"base": with_overrides(sweep.base, {"retrain.ema_decay": 0.5})})
    assert limit_of(other, ROWS) is None
    assert limit_of(sweep, ROWS[1:]) is None, "nothing is complete"


def test_results_come_back_as_a_data_frame(sweep, tmp_path):
    (tmp_path / "mine").mkdir()
    run = RunFolder(seed_folder(trial_folder(tmp_path / "mine", ROWS[0].params), 0))
    run.path.mkdir(parents=True)
    run.finish({"genotype": "abc", "seconds": 2.5})
    write_results(sweep, ROWS, tmp_path / "mine")
    frame = load_results("mine", root=tmp_path)
    assert list(frame.state) == ["complete", "stopped", "failed"]
    assert frame.fd_digits_mean[0] == 5.0
    assert frame.fd_digits_deviation[0] == pytest.approx(math.sqrt(8))  # of 3 and 7
    assert list(frame.fd_digits_by_seed[0]) == [3.0, 7.0]
    assert list(frame.genotype_by_seed[0]) == ["abc"]
    assert frame.fd_digits[1] == 9.0
    assert frame.fd_digits_mean.isna()[1]
    assert frame.reason[2] == "NonFiniteLoss: step 3"


def test_only_whole_trials_can_be_best(sweep):
    rows = [*ROWS, row(3, values=(4.0,)), row(4, state="stopped", values=(1.0,))]
    assert best(rows, sweep.single).number == 3


def test_the_pareto_front_holds_who_is_not_beaten():
    both = [{"metric": "fd_digits", "goal": "minimize"}, {"metric": "is_digits_mean", "goal": "maximize"}]
    objectives = sweep_of(objective=both).config.objective
    points = [(1.0, 1.0), (2.0, 5.0), (2.0, 4.0), (3.0, 5.0), (1.0, 1.0)]
    rows = [row(number, values=point) for number, point in enumerate(points)]
    assert [each.number for each in pareto_front(rows, objectives)] == [0, 1, 4]


def test_the_table_shows_mean_deviation_and_each_run(sweep):
    header, first, second, _ = plain_table(sweep, ROWS)
    assert header.split() == ["trial", "state", "lr", "n_critic", "fd_digits", "deviation", "by", "seed"]
    assert first.split() == ["0", "complete", "0.01", "1", "5", "2.828", "3", "7"]
    assert second.split()[:4] == ["1", "stopped", "at", "2"]


def test_the_table_of_several_objectives_marks_the_front():
    both = [{"metric": "fd_digits", "goal": "minimize"}, {"metric": "parameters", "goal": "minimize"}]
    rows = [row(0, values=(5.0, 12345.0)), row(1, values=(6.0, 20000.0)), row(2, values=(7.0, 9.0))]
    _, *lines = plain_table(sweep_of(objective=both), rows)
    assert [", front" in line for line in lines] == [True, False, True]
    assert "12,345" in lines[0]


def test_a_sweep_that_is_through_has_no_time_left():
    board = Board(sweep_of(budget={"trials": 3}), ROWS)
    assert board.summary().endswith("none left")


def test_a_log_shows_the_mean_whatever_the_sampler_is_told():
    objective = {"metric": "fd_digits", "goal": "minimize", "deviations": 1.0}
    board = Board(sweep_of(seeds=2, objective=objective), [])
    told = row(0, values=(7.828,), runs=[{"fd_digits": 3.0}, {"fd_digits": 7.0}])
    assert board.line(told).endswith("fd_digits 5 ± 2.828")


def test_the_board_says_how_far_the_sweep_is(sweep):
    board = Board(sweep, ROWS)
    board.changed(row(3, state="running", values=None, newest=6.0, evaluations=1))
    assert "1 complete, 1 stopped, 1 failed, 1 running of 4" in board.summary()
    assert "best 0 with fd_digits 5 ± 2.828" in board.summary()
    assert "NonFiniteLoss" in board.line(ROWS[2])


def test_names_are_as_short_as_tells_them_apart():
    space = {
        "search.strategy.alpha_optimizer.lr": {"uniform": [0, 1]},
        "search.strategy.beta_optimizer.lr": {"uniform": [0, 1]},
    }
    header = next(plain_table(sweep_of(space=space), []))
    assert "alpha_optimizer.lr" in header
    assert "beta_optimizer.lr" in header
    assert "search" not in header
