"""Supernets that a one-shot search has trained, and how genotypes score with their weights."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from orchestrator.checkpoints.store import Checkpoint
from orchestrator.config.experiment import Experiment
from search_space.genotype import Genotype
from search_space.networks.fixed_discriminator import FixedDiscriminator
from search_space.networks.generator import Generator
from search_space.spaces.registry import find_space
from trainers.compute import device_for, prepare, set_precision
from trainers.datasets.batches import Batches
from trainers.datasets.registry import load_images
from trainers.guarded_step import NonFiniteLoss
from trainers.metrics.evaluator import Evaluator
from trainers.noise import seed_for
from trainers.retrain import fine_tuned
from trainers.samples import SampleGenerator
from trainers.strategies.inherited import calibration_latents, inherited, log_score, recalibrate


@dataclass(frozen=True)
class TrainedSupernet:
    """What genotypes inherit from; a value that can be sent to other processes."""

    generator: Mapping[str, Tensor]
    """Averaged weights, as of the last probe that was not worse."""
    opponent: Mapping[str, Tensor]
    """Weights of the discriminator it was trained against."""
    seed: int
    """Of its run."""
    calibration: int
    """Latents that BatchNorm's statistics are taken of."""


def supernets_of(checkpoint: Checkpoint) -> list[TrainedSupernet]:
    """Those in a checkpoint of a one-shot search; of any other there are none."""
    state, identity = checkpoint.state(), checkpoint.meta.identity
    found = list[TrainedSupernet]()
    while (name := f"supernet {len(found)}") and f"{name}: generator" in state:
        probed = bool(state[f"{name}: progress"]["median"].isfinite())
        found.append(
            TrainedSupernet(
                state[f"{name}: kept" if probed else f"{name}: ema_generator"],
                state[f"{name}: discriminator"],
                identity["seed"],
                identity["search.strategy.calibration_latents"],
            )
        )
    return found


class InheritedScores:
    """Scores genotypes by logarithms, the lower the better, one a supernet; NaN where images are not finite.

    With `steps` a genotype trains on from each supernet's weights before it is scored.
    """

    def __init__(
        self, experiment: Experiment, supernets: tuple[TrainedSupernet, ...], threads: int, steps: int = 0
    ) -> None:
        config, cache = experiment.search, experiment.root / "cache"
        self._experiment, self._supernets, self._steps, self._threads = experiment, supernets, steps, threads
        self._device = device_for(experiment.cluster.use_gpu)
        set_precision(experiment.compute)
        self._images = load_images(experiment.data, cache)
        self._evaluator = Evaluator(config.evaluation, self._images, cache, self._device)
        self._generators = [self._generator(supernet) for supernet in supernets]

    @property
    def protocol(self) -> Mapping[str, str]:
        """What two scores must share to be compared."""
        return self._evaluator.protocol

    def __call__(self, genotype: Genotype) -> tuple[float, ...]:
        """The genotype's scores."""
        with _threads(self._threads):
            pairs = zip(self._generators, self._supernets, strict=True)
            return tuple(self._score_of(genotype, *pair) for pair in pairs)

    def _score_of(self, genotype: Genotype, generator: Generator, supernet: TrainedSupernet) -> float:
        latents = calibration_latents(
            supernet.calibration, generator.config.latent_dim, supernet.seed, self._device
        )
        network = inherited(generator, genotype, latents)
        if self._steps:
            try:
                network = self._tuned(network, supernet)
            except NonFiniteLoss:
                return math.nan
            recalibrate(network, latents)
        return log_score(self._score, network.eval())

    def _score(self, sample: SampleGenerator) -> Mapping[str, float]:
        return self._evaluator(sample, self._experiment.search.generator.latent_dim)

    def _generator(self, supernet: TrainedSupernet) -> Generator:
        config = self._experiment.search
        built = find_space(config.space).build("generator", config.generator, None, 1)
        generator = cast(Generator, built).to(self._device)
        prepare(generator, self._experiment.compute)
        generator.load_state_dict(dict(supernet.generator))
        return generator

    def _tuned(self, network: Generator, supernet: TrainedSupernet) -> Generator:
        config, compute = self._experiment.search, self._experiment.compute
        opponent = FixedDiscriminator(config.discriminator, config.loss.outputs).to(self._device)
        opponent.load_state_dict(dict(supernet.opponent))
        seed = seed_for(supernet.seed, "fine tuning")
        batches = Batches(self._images, config.batch_size, seed, device=self._device)
        tuned = fine_tuned(network, opponent, batches, config, self._steps, seed, compute)
        return cast(Generator, tuned)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Sums over threads round differently: scores need as many wherever they are computed."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
