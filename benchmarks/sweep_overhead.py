"""What orchestrating a trial costs: a sweep of trials that sleep, beside plain Ray Tune with OptunaSearch.

    python -m benchmarks.sweep_overhead --trials 40           # in turns, on this machine; target: at most 1.3
    python -m benchmarks.sweep_overhead --trials 500 --nodes 20 --rounds 1 --sides ours  # a simulated cluster

`plain` is Tune as its documentation has it, a process for every trial; `reusing` keeps its processes, as ours
do. Ours writes the study to a file besides, and MLflow's runs, figures and Parquet; all of it is in its time.
Says seconds per trial, times concurrency, and for each fifth of the trials: the first holds the start, the
last the end (figures, files).
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import ray

from orchestrator.config.experiment import load_experiment, with_overrides
from orchestrator.console.console import Console, quiet
from orchestrator.sweep.command import run_sweep
from orchestrator.sweep.config import Sweep, SweepConfig
from orchestrator.sweep.trial import DONE, EVALUATIONS, Send, Trial

NAME = "search.strategy.alpha_optimizer.lr"
LOW, HIGH = 0.003, 0.3
SMALLEST_STORE = 80 * 2**20
"""Bytes of a simulated machine's object store: Ray takes no less than 75 MiB."""


def sleeper(seconds: float, trial: Trial, send: Send) -> None:
    """Stands in for a trial: two messages, then the end."""
    score = abs(trial.params[NAME] - 0.03)
    for number in (1, 2):
        time.sleep(seconds / 2)
        send({"fd_digits": score, EVALUATIONS: number})
    send({"fd_digits": score, EVALUATIONS: 2, DONE: [{"fd_digits": score}]})


def ours(trials: int, concurrent: int, seconds: float, root: Path) -> list[float]:
    """Seconds from the start to the end of each trial, through `advnas sweep`."""
    config = SweepConfig.model_validate(
        {
            "name": "overhead",
            "base": "digits",
            "space": {NAME: {"log_uniform": [LOW, HIGH]}},
            "objective": {"metric": "fd_digits", "goal": "minimize"},
            "budget": {"trials": trials},
            "resources": {"concurrent": concurrent},
        }
    )
    sweep = Sweep(config=config, base=with_overrides(load_experiment("digits"), {"root": str(root)}))
    began = time.time()
    with (root / "log").open("w") as log:
        run_sweep(sweep, Console(log), partial(sleeper, seconds))
    ended = time.time() - began
    import optuna

    study = optuna.load_study(study_name="overhead", storage=f"sqlite:///{root / 'overhead' / 'study.db'}")
    ends = sorted(trial.datetime_complete.timestamp() - began for trial in study.trials)  # type: ignore[union-attr]
    return [*ends[:-1], ended]  # figures and files count too


def plain(trials: int, concurrent: int, seconds: float, root: Path, reuse: bool = False) -> list[float]:
    """The same through Ray Tune as its documentation has it."""
    from ray import tune
    from ray.tune.search.optuna import OptunaSearch

    def sleeps(config: dict[str, float]) -> None:
        for _ in range(2):
            time.sleep(seconds / 2)
            tune.report({"fd_digits": abs(config[NAME] - 0.03)})

    began = time.time()
    grid = tune.Tuner(
        sleeps,
        param_space={NAME: tune.loguniform(LOW, HIGH)},
        tune_config=tune.TuneConfig(
            metric="fd_digits",
            mode="min",
            search_alg=OptunaSearch(seed=0),
            num_samples=trials,
            max_concurrent_trials=concurrent,
            reuse_actors=reuse,
        ),
        run_config=tune.RunConfig(storage_path=str(root), verbose=0),
    ).fit()
    ended = time.time() - began
    results = (grid[number] for number in range(len(grid)))
    ends = sorted(result.metrics["timestamp"] - began for result in results if result.metrics)
    return [*ends[:-1], ended]


Side = Callable[[int, int, float, Path], list[float]]

SIDES: Mapping[str, Side] = {"plain": plain, "reusing": partial(plain, reuse=True), "ours": ours}


def per_trial(ends: Sequence[float], concurrent: int) -> tuple[float, list[float]]:
    """Seconds of a slot for each trial: over all, and in each fifth."""
    fifth = max(len(ends) // 5, 1)
    marks = [0.0, *ends[fifth - 1 :: fifth]]
    fifths = [(b - a) / fifth * concurrent for a, b in pairwise(marks)]
    return ends[-1] / len(ends) * concurrent, fifths


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=4.0, help="that a trial sleeps")
    parser.add_argument("--concurrent", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--nodes", type=int, default=0, help="of a simulated cluster, one fake CPU each")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    options = parser.parse_args()
    quiet()
    _start(options.nodes, options.concurrent)
    concurrent = options.nodes or options.concurrent
    totals: dict[str, list[float]] = {name: [] for name in options.sides}
    for round in range(options.rounds):
        for name in options.sides:
            with TemporaryDirectory() as folder:
                ends = SIDES[name](options.trials, concurrent, options.seconds, Path(folder))
            seconds, fifths = per_trial(ends, concurrent)
            totals[name].append(seconds)
            print(f"round {round} {name:>7}: {seconds:.2f} s a trial; by fifths", end=" ")
            print(*(f"{each:.2f}" for each in fifths), flush=True)
    for name in set(totals) - {"ours"} if "ours" in totals else ():
        ratios = [a / b for a, b in zip(totals["ours"], totals[name], strict=True)]
        print(f"ours / {name}: {statistics.median(ratios):.2f} (median of {len(ratios)} pairs)")


def _start(nodes: int, cpus: int) -> None:
    if not nodes:
        ray.init(address="local", num_cpus=cpus, include_dashboard=False, log_to_driver=False)
        return
    from ray.cluster_utils import Cluster

    light = {"num_cpus": 1, "object_store_memory": SMALLEST_STORE, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=light)
    for _ in range(nodes - 1):
        cluster.add_node(num_cpus=1, object_store_memory=SMALLEST_STORE)
    ray.init(address=cluster.address, log_to_driver=False)


if __name__ == "__main__":
    main()
