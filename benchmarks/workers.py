"""A step of the search by two processes of one thread each: as workers, or side by side without exchange."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import torch
from torch import Tensor, distributed, multiprocessing

from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from trainers.config import SearchConfig
from trainers.datasets.batches import Batches, StepBatch
from trainers.datasets.images import Images
from trainers.noise import SeededNoise
from trainers.options import ComputeConfig
from trainers.strategies.strategy import SearchSetup

CPU = torch.device("cpu")
FLOAT = 4
"""Bytes of a number that is exchanged."""
WORKERS = 2
Side = Literal["whole", "apart", "together"]
SIDES: tuple[Side, ...] = ("whole", "apart", "together")
"""One process with the whole batch; two with half each, independent; the same two as workers."""


@dataclass(frozen=True)
class Task:
    """What is stepped: channels, global batch, and how many steps make a measurement."""

    generator: int
    discriminator: int
    batch: int
    steps: int


@dataclass
class Timing:
    """Of one side: seconds of a step, by round; of the workers also what they exchange in a step."""

    seconds: list[float] = field(default_factory=list)
    in_collectives: float = 0.0
    """Seconds within all-reduces, which includes waiting for the other worker."""
    bare: float = 0.0
    """Seconds of the same all-reduces when both workers are there already."""
    collectives: float = 0.0
    bytes: float = 0.0


@dataclass
class _Calls:
    """What all-reduces took, one entry a call."""

    seconds: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def clear(self) -> None:
        """Forget them."""
        self.seconds.clear()
        self.sizes.clear()


def timed(task: Task, rounds: int) -> dict[Side, Timing]:
    """All sides in turns; seconds are those of the slower process."""
    with TemporaryDirectory() as folder:
        barrier = multiprocessing.get_context("spawn").Barrier(WORKERS)
        multiprocessing.spawn(_process, args=(task, rounds, barrier, Path(folder)), nprocs=WORKERS)
        first, second = (torch.load(Path(folder) / f"{n}.pt", weights_only=False) for n in range(WORKERS))
    for side in ("apart", "together"):
        first[side].seconds = [
            max(pair) for pair in zip(first[side].seconds, second[side].seconds, strict=True)
        ]
    return first


def _process(number: int, task: Task, rounds: int, barrier: Any, folder: Path) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    timings: dict[Side, Timing] = {side: Timing() for side in SIDES}
    steppers = {side: _stepper(task, side, number) for side in SIDES}
    calls = _Calls()
    for round in range(-1, rounds):  # the first is not counted
        for side, stepper in steppers.items():
            with _group(side, number, folder / f"group-{round}-{side}", calls):
                barrier.wait()
                if side != "whole" or number == 0:
                    began = time.perf_counter()
                    for _ in range(task.steps):
                        stepper()
                    if round >= 0:
                        timings[side].seconds.append((time.perf_counter() - began) / task.steps)
                barrier.wait()
        if round < 0:
            calls.clear()
    done = rounds * task.steps
    together = timings["together"]
    together.in_collectives = sum(calls.seconds) / done
    together.collectives = len(calls.sizes) / done
    together.bytes = sum(calls.sizes) / done
    with _group("together", number, folder / "group-bare", _Calls()):
        together.bare = _bare(calls.sizes[: len(calls.sizes) // rounds]) / task.steps
    torch.save(timings, folder / f"{number}.pt")


@contextmanager
def _group(side: Side, number: int, rendezvous: Path, calls: _Calls) -> Iterator[None]:
    """The workers joined by gloo, every all-reduce of theirs clocked; the other sides know of no group."""
    if side != "together":
        yield
        return
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{rendezvous}",
        rank=number,
        world_size=WORKERS,
        timeout=timedelta(minutes=5),
    )
    reduce = distributed.all_reduce

    def clocked(tensor: Tensor, *args: Any, **options: Any) -> Any:
        began = time.perf_counter()
        result = reduce(tensor, *args, **options)
        calls.seconds.append(time.perf_counter() - began)
        calls.sizes.append(tensor.numel() * tensor.element_size())
        return result

    distributed.all_reduce = clocked
    try:
        yield
    finally:
        distributed.all_reduce = reduce
        distributed.destroy_process_group()


def _bare(sizes: list[int]) -> float:
    """Seconds of all-reduces of those bytes, each begun by both at once; the median of three times all."""
    buffers = {size: torch.zeros(size // FLOAT) for size in set(sizes)}
    totals = []
    for _ in range(3):
        total = 0.0
        for size in sizes:
            distributed.barrier()
            began = time.perf_counter()
            distributed.all_reduce(buffers[size])
            total += time.perf_counter() - began
        totals.append(total)
    return statistics.median(totals)


def _stepper(task: Task, side: Side, number: int) -> Callable[[], None]:
    batch = task.batch // (WORKERS if side == "apart" else 1)
    config = SearchConfig(batch_size=batch, generator_batch_size=batch, n_critic=5)
    setup = SearchSetup(
        config,
        GeneratorConfig(channels=task.generator),
        DiscriminatorConfig(channels=task.discriminator),
        seed=0,
        device=CPU,
        compute=ComputeConfig(),
    )
    strategy = config.strategy.build(setup)
    pixels = torch.randint(0, 256, (4 * batch, 3, 32, 32), dtype=torch.uint8)
    rank, workers = (number, WORKERS) if side == "together" else (0, 1)
    batches = Batches(Images.of(pixels), batch, 0, rank, workers, CPU, halves=True)

    def take() -> None:
        step = strategy.state.step
        strategy.step(StepBatch(batches, step), SeededNoise(0, step, setup.generator.latent_dim, CPU))

    return take
