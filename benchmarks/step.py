"""Measuring a step of the search in every backend, beside the released code's way of taking it.

All sides take turns in one process on one thread, so that ratios hold on a busy machine; seconds are CPU
seconds. A step is an update of beta and of D, and a fifth of the updates of alpha and G and of the averages.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.meters import Kernels, SavedMemory, cpu_seconds
from benchmarks.released import ReleasedStep
from search_space.backends import BackendName
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from trainers.config import SearchConfig
from trainers.datasets.batches import Batches
from trainers.datasets.images import Images
from trainers.guarded_step import PHASES, GuardedStep, Phase
from trainers.noise import SeededNoise
from trainers.options import ComputeConfig
from trainers.state import update_ema
from trainers.strategies.adversarial import AdversarialSearch
from trainers.strategies.adversarial_config import AdversarialConfig
from trainers.strategies.adversarial_state import SearchState
from trainers.strategies.strategy import SearchSetup

DEVICE = torch.device("cpu")
PARTS = (*PHASES, "ema", "input")
Semantics = Literal["released", "official", "default"]


@dataclass(frozen=True)
class Size:
    """Channels of G and of D, and the batch."""

    generator: int
    discriminator: int
    batch: int
    parts: Sequence[str] = PARTS
    """What is measured; where it is not all, no step is summed up."""
    most_rounds: int = 100

    def __str__(self) -> str:
        return f"{self.generator}/{self.discriminator}x{self.batch}"


SIZES = (
    Size(32, 16, 16),
    Size(64, 32, 32),
    Size(160, 80, 120, parts=("discriminator", "alpha"), most_rounds=1),
)


@dataclass(frozen=True)
class Side:
    """What takes the step."""

    semantics: Semantics
    form: BackendName

    def __str__(self) -> str:
        return "released" if self.semantics == "released" else f"{self.semantics}, {self.form}"


SIDES = (
    Side("released", "op_by_op"),
    *(Side(semantics, form) for semantics in ("official", "default") for form in ("direct", "frequency")),
    Side("default", "auto"),
)


def quickly(size: Size) -> tuple[Size, Sequence[Side]]:
    """Where whole steps would take too long, an update of D by the released way and by the default."""
    if size.parts == PARTS:
        return size, SIDES
    return replace(size, parts=("discriminator",)), (SIDES[0], SIDES[-1])


@dataclass
class Measurement:
    """Of one side at one size, by part of a step."""

    size: str
    side: str
    seconds: Mapping[str, float]
    saved_bytes: Mapping[str, int]
    kernels: Mapping[str, int]
    flop: Mapping[str, int]


def per_step(parts: Mapping[str, float]) -> float:
    """The sum over parts; those that only every fifth step has count a fifth."""
    return sum(value / (1 if part in EVERY_STEP else 5) for part, value in parts.items())


EVERY_STEP = ("beta", "discriminator", "input")


class Stepper:
    """Takes single parts of a step, over and over."""

    def __init__(self, size: Size, side: Side) -> None:
        official = side.semantics != "default"
        config = SearchConfig(
            batch_size=size.batch,
            generator_batch_size=size.batch,
        )
        options = AdversarialConfig(
            relaxation="gumbel_of_probabilities" if official else "gumbel",
            sample_per_forward=official,
            mask_image_edges=not official,
        )
        setup = SearchSetup(
            config,
            GeneratorConfig(channels=size.generator),
            DiscriminatorConfig(channels=size.discriminator),
            seed=0,
            device=DEVICE,
            compute=ComputeConfig(backend=side.form),
        )
        self.state = SearchState(options, setup)
        self._config, self._parts = config, size.parts
        self._latent_dim, self._tau = setup.generator.latent_dim, options.tau(0, config.steps)
        pixels = torch.randint(0, 256, (4 * size.batch, 3, 32, 32), dtype=torch.uint8)
        self._batches = Batches(Images.of(pixels), size.batch, seed=0, halves=True)
        self._halves = self._batches.halves_at(0)
        self._released = ReleasedStep(self.state, config, options) if side.semantics == "released" else None
        self._step = AdversarialSearch(self.state, options, setup, GuardedStep(DEVICE))

    def parts(self) -> dict[str, Callable[[], object]]:
        """What can be measured."""
        both: dict[str, Callable[[], object]] = {
            **{str(phase): partial(self._update, phase) for phase in PHASES},
            "ema": self._average,
            "input": lambda: self._batches.halves_at(1),
        }
        return {name: both[name] for name in self._parts}

    def _update(self, phase: Phase) -> None:
        noise = SeededNoise(0, 0, self._latent_dim, DEVICE)
        if self._released is not None:
            self._released.update(phase, self._half(phase), noise)
            return
        self._step.inputs.begin(0, self._tau, self._halves, noise, [phase])
        if phase in ("beta", "discriminator"):
            self._step.update_discriminator(phase, self._half(phase))
        else:
            self._step.update_generator(phase, self._half(phase))

    def _half(self, phase: Phase) -> Tensor:
        return self._halves[phase == "beta"]

    def _average(self) -> None:
        if self._released is not None:
            self._released.average()
        else:
            update_ema(self.state.ema_generator, self.state.generator, self._config.ema_decay)


def measure(size: Size, sides: Sequence[Side], rounds: int) -> list[Measurement]:
    """All sides in turns; the first turn also counts memory, kernels and operations."""
    steppers = {side: Stepper(size, side) for side in sides}
    counted = {side: count(stepper) for side, stepper in steppers.items()}
    seconds: dict[Side, dict[str, list[float]]] = {side: {part: [] for part in size.parts} for side in sides}
    for _ in range(min(rounds, size.most_rounds)):
        for part in size.parts:
            for side, stepper in steppers.items():
                seconds[side][part].append(cpu_seconds(stepper.parts()[part]))
    return [
        Measurement(
            str(size),
            str(side),
            {part: statistics.median(each) for part, each in seconds[side].items()},
            *counted[side],
        )
        for side in sides
    ]


def count(stepper: Stepper) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Bytes saved for the backward pass, kernels and operations, by part of a step."""
    state = stepper.state
    assert state.beta is not None, "the opponent is searched here"
    modules = [state.generator, state.discriminator, state.alpha, state.beta]
    saved, kernels, flop = {}, {}, {}
    for part, function in stepper.parts().items():
        memory, counter, flops = SavedMemory(modules), Kernels(), FlopCounterMode(display=False)
        with memory.watching(), flops, counter:
            function()
        saved[part], kernels[part], flop[part] = memory.peak, counter.count, flops.get_total_flops()
    return saved, kernels, flop
