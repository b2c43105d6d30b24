"""A model of a step's seconds on many GPUs, from operations, host time and bytes; rates are assumptions.

    seconds = max(compute, dispatch) + exchange
    compute  = (fixed FLOP + FLOP an image * images of a GPU) / rate     fixed: kernels mixed by edge weights
    dispatch = CPU time of the smallest supernets' step, measured here    not less for smaller batches
    exchange = sum over all-reduces of bytes moved / bandwidth + 2 hops for each level of a binary tree

Nothing overlaps: gradients are exchanged in one piece after each backward pass, since all parameters of a
group are stepped at once and the next update starts from them. FLOP and bytes are counted.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from benchmarks.meters import cpu_seconds
from benchmarks.step import Side, Size, Stepper, count, per_step
from benchmarks.workers import FLOAT

PAPER = Size(160, 80, 128)
"""Its batch of 120 does not divide by 16, the halves of 8 workers."""
TINY = Size(4, 4, 2)
"""Supernets with almost nothing to compute: their step is host time, and convolutions of a few channels."""
SMALL, LARGER = 2, 4
"""Batches at which FLOP are counted: they are linear in the batch."""


@dataclass(frozen=True)
class Work:
    """Of one step of the search with n_critic = 5, on average."""

    flop_fixed: float
    flop_image: float
    kernels: float
    host: float
    """Seconds in which a host dispatches them."""
    all_reduces: Sequence[tuple[float, float]]
    """How often in a step, and bytes."""


def work_of(size: Size) -> Work:
    """Counted on small batches of the same networks, by the backend that GPUs get."""
    side = Side("default", "direct")
    flop, kernels = {}, {}
    for batch in (SMALL, LARGER):
        stepper = Stepper(Size(size.generator, size.discriminator, batch), side)
        _, counted, operations = count(stepper)
        flop[batch], kernels[batch] = per_step(operations), per_step(counted)
    per_image = (flop[LARGER] - flop[SMALL]) / (LARGER - SMALL)
    exchanged = _exchanged(stepper)
    return Work(
        flop_fixed=flop[SMALL] - SMALL * per_image,
        flop_image=per_image,
        kernels=kernels[SMALL],
        host=host_seconds(side),
        all_reduces=tuple(exchanged),
    )


def host_seconds(side: Side, rounds: int = 9) -> float:
    """CPU time of a step with almost nothing to compute."""
    parts = Stepper(TINY, side).parts()
    for part in parts.values():
        part()
    return per_step({
        name: statistics.median(cpu_seconds(part) for _ in range(rounds)) for name, part in parts.items()
    })  # fmt: skip


def _exchanged(stepper: Stepper) -> Sequence[tuple[float, float]]:
    """All-reduces: how often in a step, and bytes; those of beta, D, G's statistics, alpha and G."""
    state = stepper.state
    assert state.beta is not None, "the opponent is searched here"
    statistics = sum(
        norm.running_mean.numel() + norm.running_var.numel()
        for norm in state.generator.modules()
        if isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None and norm.running_var is not None
    )
    every = [_numbers(state.beta), _numbers(state.discriminator), statistics]
    fifth = [_numbers(state.alpha), _numbers(state.generator)]
    return [*((1.0, FLOAT * count) for count in every), *((0.2, FLOAT * count) for count in fifth)]


def _numbers(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@dataclass(frozen=True)
class Step:
    """Seconds of a step."""

    compute: float
    dispatch: float
    exchange: float

    @property
    def seconds(self) -> float:
        """All of it: kernels run while others are dispatched; nothing runs while gradients are exchanged."""
        return max(self.compute, self.dispatch) + self.exchange


@dataclass(frozen=True)
class Cluster:
    """Machines of H100s. Rates are what we assume such kernels and messages to reach, not peaks."""

    flop_per_second: float = 60e12
    """An eighth of the peak of TF32."""
    gpus_per_machine: int = 8
    inside: float = 300e9
    """Bytes a second and direction of a GPU's NVLink."""
    across: float = 40e9
    """Of its share of the network, 400 Gbit/s at its best."""
    hop_inside: float = 4e-6
    hop_across: float = 10e-6

    def step(self, work: Work, gpus: int, batch: int) -> Step:
        """Of so many GPUs that share a batch."""
        flop = work.flop_fixed + work.flop_image * batch / gpus
        return Step(
            compute=flop / self.flop_per_second,
            dispatch=work.host,
            exchange=sum(often * self._all_reduce(size, gpus) for often, size in work.all_reduces),
        )

    def _all_reduce(self, size: float, gpus: int) -> float:
        """Inside machines first; then each GPU exchanges its part with the same GPU of the other machines."""
        inside = min(gpus, self.gpus_per_machine)
        machines = math.ceil(gpus / inside)
        return _ring(size, inside, self.inside, self.hop_inside) + _ring(
            size / inside, machines, self.across, self.hop_across
        )


def _ring(size: float, members: int, bandwidth: float, hop: float) -> float:
    return 2 * (members - 1) / members * size / bandwidth + 2 * math.ceil(math.log2(members)) * hop
