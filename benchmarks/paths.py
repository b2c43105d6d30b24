"""A step of the one-shot search beside one of the adversarial search, whose supernets compute mixtures.

Each updates G and D in every step. All take turns in one process on one thread; seconds are CPU seconds.
"""

import statistics
from dataclasses import dataclass

import torch

from benchmarks.meters import SavedMemory, cpu_seconds
from benchmarks.step import DEVICE, Size
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from trainers.config import SearchConfig
from trainers.datasets.batches import Batches, StepBatch
from trainers.datasets.images import Images
from trainers.noise import SeededNoise
from trainers.options import ComputeConfig
from trainers.strategies.adversarial_config import AdversarialConfig
from trainers.strategies.one_shot_config import OneShotConfig
from trainers.strategies.strategy import SearchSetup, Strategy, StrategyConfig

PATH_SIZES = (Size(64, 32, 32),)
SEARCHES: dict[str, StrategyConfig] = {
    "mixture, alpha and beta too": AdversarialConfig(),
    "mixture, weights alone": AdversarialConfig(warmup_steps=1_000_000),
    "four paths": OneShotConfig(supernets=1),
    "four paths, also of D": OneShotConfig(supernets=1, opponent="paths"),
}
"""The first is what the others are compared with."""


@dataclass(frozen=True)
class PathMeasurement:
    """What one search measures at one size."""

    size: str
    search: str
    seconds: float
    saved_bytes: int

    def cells(self, base: "PathMeasurement") -> list[str]:
        """A row of the table."""
        return [
            self.size, self.search, f"{self.seconds:.2f}", f"{base.seconds / self.seconds:.1f}x",
            f"{self.saved_bytes / 1e6:.0f}", f"1/{base.saved_bytes / self.saved_bytes:.1f}",
        ]  # fmt: skip


class Steps:
    """Steps of a search, over and over."""

    def __init__(self, size: Size, strategy: StrategyConfig) -> None:
        config = SearchConfig(
            strategy=strategy, batch_size=size.batch, generator_batch_size=size.batch, n_critic=1
        )
        widths = GeneratorConfig(channels=size.generator), DiscriminatorConfig(channels=size.discriminator)
        setup = SearchSetup(config, *widths, 0, DEVICE, ComputeConfig())
        self.strategy: Strategy = strategy.build(setup)
        pixels = torch.randint(0, 256, (2 * size.batch, 3, 32, 32), dtype=torch.uint8)
        self._batches = Batches(Images.of(pixels), size.batch, seed=0, halves=True)
        self._latent_dim = setup.generator.latent_dim

    def take(self) -> None:
        """One."""
        step = self.strategy.state.step
        noise = SeededNoise(0, step, self._latent_dim, DEVICE)
        self.strategy.step(StepBatch(self._batches, step), noise)


def measure_paths(size: Size, rounds: int) -> list[PathMeasurement]:
    """All searches in turns; the first turn counts memory."""
    searches = {name: Steps(size, strategy) for name, strategy in SEARCHES.items()}
    saved, seconds = {}, {name: list[float]() for name in searches}
    for name, steps in searches.items():
        memory = SavedMemory(steps.strategy.state.networks())
        with memory.watching():
            steps.take()
        saved[name] = memory.peak
    for _ in range(rounds):
        for name, steps in searches.items():
            seconds[name].append(cpu_seconds(steps.take))
    return [
        PathMeasurement(str(size), name, statistics.median(seconds[name]), saved[name]) for name in searches
    ]


def path_table(measurements: list[PathMeasurement]) -> list[list[str]]:
    """Ratios to the first search of each size."""
    rows = [["size", "search", "s per step", "faster", "saved MB", "less"]]
    base = measurements[0]
    for one in measurements:
        base = one if one.size != base.size else base
        rows.append(one.cells(base))
    return rows
