"""What the driver of a sweep does for one trial, after few and after many others; nothing is trained.

    python -m benchmarks.sweep_driver                             # 100, 1,000 and 10,000 trials before
    python -m benchmarks.sweep_driver --samplers grid tpe --storage postgresql://...

CPU milliseconds of asking, two intermediate values, telling, and the table's line and summary, in a study
that holds so many ended trials already. `optuna` is the same with the study alone: ask, report twice, tell.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.supernet import markdown
from orchestrator.config.experiment import load_experiment, with_overrides
from orchestrator.sweep.config import Sweep, SweepConfig
from orchestrator.sweep.results import Row, rows_of
from orchestrator.sweep.searcher import StudySearch
from orchestrator.sweep.space import labels, suggest
from orchestrator.sweep.study import PARAMS, SCORES, open_study
from orchestrator.sweep.table import Board
from orchestrator.sweep.trial import DONE, EVALUATIONS

if TYPE_CHECKING:
    from optuna import Study

NAME = "search.strategy.alpha_optimizer.lr"
MEASURED = 20
"""Trials of a measurement."""


def a_sweep(sampler: str, trials: int, root: Path, storage: str | None) -> Sweep:
    """The space has one option; as a grid it has a point for each trial, and as many again."""
    config = SweepConfig.model_validate({
        "name": "driver",
        "base": "digits",
        "space": {NAME: {"log_uniform": [0.003, 0.3], "points": 2 * trials + 2 * MEASURED}},
        "objective": {"metric": "fd_digits", "goal": "minimize"},
        "sampler": {"name": sampler},
        "budget": {"trials": 2 * trials + 2 * MEASURED},
        "storage": storage,
    })  # fmt: skip
    return Sweep(config=config, base=with_overrides(load_experiment("digits"), {"root": str(root)}))


def fill(study: "Study", trials: int) -> None:
    """Ended trials, as a sweep leaves them."""
    import optuna

    for number in range(trials):
        params = {NAME: 0.003 * (1 + number / trials)}
        drawn = labels(params)
        (name,) = drawn
        study.add_trial(
            optuna.trial.create_trial(
                params=drawn,
                distributions={name: optuna.distributions.FloatDistribution(0.003, 0.3, log=True)},
                values=[float(number % 97)],
                intermediate_values={1: 90.0, 2: 80.0},
                user_attrs={PARAMS: params, SCORES: [{"fd_digits": float(number % 97)}]},
                system_attrs={"fixed_params": drawn},
            )
        )


def by_driver(sweep: Sweep, study: "Study") -> Callable[[int], None]:
    """One trial as `advnas sweep` has it."""
    board = Board(sweep, rows_of(study))

    def show(row: Row) -> None:
        if board.changed(row):
            board.line(row)
            board.summary()

    search = StudySearch(sweep, study, [show])

    def trial(number: int) -> None:
        search.suggest("a")
        for count in (1, 2):
            search.on_trial_result("a", {"fd_digits": 9.0, EVALUATIONS: count})
        search.on_trial_complete(
            "a", {"fd_digits": float(number), EVALUATIONS: 2, DONE: [{"fd_digits": float(number)}]}
        )

    return trial


def by_optuna(sweep: Sweep, study: "Study") -> Callable[[int], None]:
    """The least that such a study takes."""

    def trial(number: int) -> None:
        asked = study.ask()
        suggest(sweep.config.space, asked)
        for count in (1, 2):
            asked.report(9.0, count)
        study.tell(asked, float(number))

    return trial


def milliseconds(trial: Callable[[int], None]) -> float:
    """Median of the CPU time of a trial."""
    found = []
    for number in range(MEASURED):
        began = time.process_time()
        trial(number)
        found.append(1e3 * (time.process_time() - began))
    return statistics.median(found)


def measure(sampler: str, trials: int, storage: str | None) -> list[str]:
    """A row of the table."""
    with TemporaryDirectory() as root:
        sweep = a_sweep(sampler, trials, Path(root), storage)
        study = open_study(sweep, f"driver-{sampler}-{trials}", Path(root))
        fill(study, trials)
        began = time.process_time()
        driver = by_driver(sweep, study)
        start = time.process_time() - began
        return [
            f"{trials:,}", sampler, f"{start:.2f}", f"{milliseconds(driver):.0f}",
            f"{milliseconds(by_optuna(sweep, study)):.0f}",
        ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--samplers", nargs="+", default=["random", "grid", "tpe"])
    parser.add_argument("--storage", help="Optuna's; default: SQLite in a temporary folder")
    options = parser.parse_args(arguments)
    header = ["ended trials", "sampler", "s to start", "ms a trial", "of it Optuna alone"]
    rows = [
        measure(sampler, count, options.storage) for count in options.trials for sampler in options.samplers
    ]
    print(markdown([header, *rows]))


if __name__ == "__main__":
    main()
