"""What more workers cost and bring: measured with one and two on this machine, predicted for more.

    python -m benchmarks.scaling                       # some five minutes, nothing else running
    python -m benchmarks.scaling --parts predict       # the model alone

steps       a step of the search by two workers beside two processes that do the same work and exchange
            nothing: they share the machine as workers do, so the ratio is what working together costs
start       from the start of a run to its first step, in this process and on Ray
checkpoint  of the paper's size: seconds and bytes
host        CPU time of a step with almost nothing to compute: Python and the dispatch of kernels
predict     seconds of a step on 1 to 512 GPUs, see benchmarks/scaling_model.py
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from itertools import pairwise
from tempfile import TemporaryDirectory

import torch

from benchmarks.machine import machine
from benchmarks.scaling_model import PAPER, TINY, Cluster, Work, work_of
from benchmarks.step import Side, measure, per_step
from benchmarks.supernet import markdown
from benchmarks.workers import Task, timed
from orchestrator.checkpoints.store import CheckpointMeta, CheckpointStore
from orchestrator.cluster.launch import launch
from orchestrator.config.experiment import load_experiment, with_overrides
from orchestrator.console.console import quiet
from orchestrator.jobs.identity import identity
from orchestrator.jobs.job import Job
from orchestrator.jobs.training import searching
from trainers.report import Report
from trainers.strategies.adversarial_state import SearchState

CPU = torch.device("cpu")
MEGABYTE = 1e6


def steps(task: Task, rounds: int) -> str:
    """Efficiency of two workers, and the share of communication."""
    sides = timed(task, rounds)
    alone, apart, together = (
        statistics.median(sides[side].seconds) for side in ("whole", "apart", "together")
    )
    pairs = [a / b for a, b in zip(sides["apart"].seconds, sides["together"].seconds, strict=True)]
    exchange = sides["together"]
    rows = [
        ["", "s per step", ""],
        ["one worker, the whole batch", f"{alone:.3f}", ""],
        ["two processes, half of it each, no exchange", f"{apart:.3f}", ""],
        [
            "two workers, half of it each",
            f"{together:.3f}",
            f"efficiency {statistics.median(pairs):.3f} ({min(pairs):.3f} to {max(pairs):.3f}); "
            f"{alone / together:.2f}x one worker",
        ],
        _share("of it in all-reduces, waiting included", exchange.in_collectives, together),
        _share("the same all-reduces by themselves", exchange.bare, together),
    ]  # fmt: skip
    return (
        f"Supernets {task.generator}/{task.discriminator} channels, batch {task.batch}, one thread each; "
        f"{exchange.collectives:.1f} all-reduces of {exchange.bytes / MEGABYTE:.2f} MB in all a step.\n\n"
        + markdown(rows)
    )


def _share(name: str, seconds: float, step: float) -> list[str]:
    return [name, f"{seconds:.4f}", f"{seconds / step:.1%} of the step"]


def start(rounds: int) -> str:
    """Seconds from the start to the first report and between reports, by number of workers."""
    rows = [["workers", "to the first step's report", "from report to report of a step"]]
    for workers in (0, 1, 2):
        firsts, pauses = [], []
        for _ in range(rounds):
            times = _report_times(workers)
            firsts.append(times[0])
            pauses.append(statistics.median(b - a for a, b in pairwise(times)))
        rows.append([str(workers), f"{statistics.median(firsts):.1f}", f"{statistics.median(pauses):.2f}"])
    return markdown(rows)


def _report_times(workers: int) -> list[float]:
    """Seconds after the start at which each of five steps was reported; data and its cache are new."""
    with TemporaryDirectory() as root:
        changes = {
            "root": root,
            "cluster.num_workers": workers,
            "search.steps": 5,
            "search.strategy.warmup_steps": 0,
            "search.report_every": 1,
            "search.evaluation.every": 0,
        }
        experiment = with_overrides(load_experiment("digits"), changes)
        job = Job("search", experiment, {}, experiment.folder.absolute() / "start")
        times: list[float] = []
        began = time.perf_counter()

        def emit(_report: Report) -> None:
            times.append(time.perf_counter() - began)

        launch(job, emit)
    return times


def checkpoint(rounds: int) -> str:
    """What a checkpoint of the paper's supernets costs, from the call until it is on the disk."""
    seconds = []
    with TemporaryDirectory() as root:
        experiment = with_overrides(load_experiment("cifar10"), {"root": root})
        job = Job("search", experiment, {}, experiment.folder.absolute() / "checkpoint")
        state = searching(job, CPU).state
        assert isinstance(state, SearchState)
        for optimizer in state.optimizers.values():
            _step_once(optimizer)
        store = CheckpointStore(job.folder / "checkpoints", 2)
        for step in range(rounds):
            meta = CheckpointMeta(step=step, identity=identity(job), images="", metrics={}, genotypes={})
            began = time.perf_counter()
            folder = store.save(state.state_dict(), meta)
            seconds.append(time.perf_counter() - began)
        size = sum(file.stat().st_size for file in folder.iterdir())
    return (
        f"Checkpoint of cifar10's search: {size / MEGABYTE:.0f} MB, "
        f"{statistics.median(seconds):.2f} s (median of {rounds})."
    )


def _step_once(optimizer: torch.optim.Optimizer) -> None:
    """Make the state that the optimizer has from its first step on."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()


def host(rounds: int) -> str:
    """The released way beside ours."""
    sides = [Side("released", "op_by_op"), Side("official", "direct"), Side("default", "direct")]
    rows = [
        [one.side, f"{1e3 * per_step(one.seconds):.0f}", f"{per_step(one.kernels):,.0f}"]
        for one in measure(TINY, sides, 3 * rounds)
    ]
    return f"Supernets {TINY}.\n\n" + markdown([["", "ms per step", "kernels"], *rows])


def predict() -> str:
    """The model's table: one batch for all GPUs, then a batch for each."""
    work, cluster = work_of(PAPER), Cluster()
    alone = PAPER.batch / cluster.step(work, 1, PAPER.batch).seconds
    rows = [["GPUs", "batch", "s per step", "compute", "dispatch", "exchange", "images/s", "efficiency"]]
    for batch_of in (lambda _: PAPER.batch, lambda gpus: PAPER.batch * gpus):
        for gpus in (1, 8, 64, 512):
            batch = batch_of(gpus)
            if gpus > batch // 2:
                rows.append([str(gpus), f"{batch:,}", f"at most {batch // 2} workers", *[""] * 5])
                continue
            step = cluster.step(work, gpus, batch)
            rate = batch / step.seconds
            rows.append([
                str(gpus), f"{batch:,}", f"{step.seconds:.3f}", f"{step.compute:.3f}", f"{step.dispatch:.3f}",
                f"{step.exchange:.4f}", f"{rate:,.0f}", f"{rate / alone / gpus:.0%}",
            ])  # fmt: skip
    return f"{_inventory(work)}\n\n{markdown(rows)}"


def _inventory(work: Work) -> str:
    count = sum(often for often, _ in work.all_reduces)
    size = sum(often * size for often, size in work.all_reduces)
    return (
        f"A step: {work.flop_fixed / 1e9:.1f} GFLOP whatever the batch, {work.flop_image / 1e9:.2f} GFLOP an "
        f"image, {work.kernels:,.0f} kernels in {work.host:.3f} s of a host, "
        f"{count:.1f} all-reduces of {size / MEGABYTE:.1f} MB in all."
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ("steps", "start", "checkpoint", "host", "predict")
    parser.add_argument("--parts", nargs="+", choices=names, default=names)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    quiet()
    torch.set_num_threads(1)
    parts: Sequence[tuple[str, str]] = [
        (name, text())
        for name, text in {
            "steps": lambda: "\n\n".join(steps(task, options.rounds) for task in TASKS),
            "start": lambda: start(max(options.rounds // 2, 1)),
            "checkpoint": lambda: checkpoint(options.rounds),
            "host": lambda: host(options.rounds),
            "predict": predict,
        }.items()
        if name in options.parts
    ]
    print(machine())
    for name, text in parts:
        print(f"\n## {name}\n\n{text}", flush=True)


TASKS = (Task(12, 12, 32, steps=20), Task(32, 16, 32, steps=10))
"""That of the digits preset, and a larger one."""


if __name__ == "__main__":
    main()
