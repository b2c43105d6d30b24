"""Measuring retraining's networks: a derived generator and the fixed discriminator, ours beside op by op."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.meters import cpu_seconds
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.networks.fixed_discriminator import Block, FirstBlock, FixedDiscriminator
from search_space.networks.generator import Generator
from search_space.zoo.published import PUBLISHED
from trainers.compute import prepare
from trainers.options import ComputeConfig


@dataclass(frozen=True)
class DerivedSize:
    """Channels of G and of D, and the images of one pass."""

    generator: int
    discriminator: int
    batch: int


DERIVED_SIZES = (DerivedSize(64, 64, 16), DerivedSize(256, 128, 8))


@dataclass(frozen=True)
class DerivedMeasurement:
    """CPU seconds of one forward and backward pass."""

    size: str
    network: str
    op_by_op: float
    ours: float

    def cells(self) -> list[str]:
        """For a table."""
        ratio = self.op_by_op / self.ours
        return [self.size, self.network, f"{self.op_by_op:.3f}", f"{self.ours:.3f}", f"{ratio:.2f}x"]


def measure_derived(size: DerivedSize, rounds: int) -> list[DerivedMeasurement]:
    """The published AdversarialNAS generator and the fixed discriminator, in training mode."""
    name = f"{size.generator}/{size.discriminator}x{size.batch}"
    latents, images = torch.randn(size.batch, 120), torch.rand(size.batch, 3, 32, 32) * 2 - 1
    genotype = PUBLISHED["adversarialnas"].genotype
    found = []
    for network, build, x in (
        ("generator", lambda: Generator(GeneratorConfig(channels=size.generator), genotype), latents),
        ("fixed discriminator", lambda: _fixed(size.discriminator), images),
    ):
        plain, ours = build(), build()
        prepare(plain, ComputeConfig(backend="op_by_op", channels_last=False))
        _pool_afterwards(plain)
        prepare(ours, ComputeConfig())
        sides = {"op_by_op": _pass(plain, x), "ours": _pass(ours, x)}
        times: dict[str, list[float]] = {side: [] for side in sides}
        for turn in range(rounds + 1):
            for side, function in sides.items():
                seconds = cpu_seconds(function)
                if turn:  # the first warms up
                    times[side].append(seconds)
        medians = {side: statistics.median(each) for side, each in times.items()}
        found.append(DerivedMeasurement(name, network, **medians))
    return found


def _fixed(channels: int) -> FixedDiscriminator:
    return FixedDiscriminator(DiscriminatorConfig(channels=channels))


def _pass(network: nn.Module, x: Tensor) -> Callable[[], None]:
    def function() -> None:
        network(x).sum().backward()
        network.zero_grad()

    return function


def _pool_afterwards(network: nn.Module) -> None:
    """Give the fixed discriminator back its convolutions at full size, pools behind them."""
    for module in network.modules():
        if isinstance(module, FirstBlock | Block):
            module.conv2.pooled = partial(_convolve_then_pool, module.conv2)  # type: ignore[method-assign]


def _convolve_then_pool(convolution: nn.Module, x: Tensor) -> Tensor:
    return F.avg_pool2d(convolution(x), 2)
