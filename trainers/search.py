"""The search loop of all strategies.

It yields a report every few steps; the caller decides what happens to it.
"""

import time
from collections.abc import Callable, Iterator

from trainers.compute import set_arithmetic
from trainers.datasets.batches import Batches, StepBatch
from trainers.gap import GAP, duality_gap
from trainers.interruption import raise_if_interrupted
from trainers.noise import SeededNoise
from trainers.report import Evaluate, MetricMeans, Report
from trainers.samples import sample_grid
from trainers.strategies.strategy import SearchSetup, Strategy
from trainers.ticks import tick


def search(
    strategy: Strategy,
    batches: Batches,
    setup: SearchSetup,
    evaluate: Evaluate,
    gap_is_due: Callable[[int], bool] = lambda _: False,
) -> Iterator[Report]:
    """Search from the strategy's step to the end of the configuration, in place.

    `gap_is_due` says at which reports the duality gap is measured too, which changes nothing else.

    Stopping at any report, restoring the state and calling again gives what never stopping gives, bit by bit.

    Raises:
        NonFiniteLoss: before anything is stepped with it.
    """
    config, state = setup.config, strategy.state
    set_arithmetic(setup.compute, setup.device)
    means, started, first = MetricMeans(), time.perf_counter(), state.step
    while state.step < config.steps:
        raise_if_interrupted()
        noise = SeededNoise(setup.seed, state.step, setup.generator.latent_dim, setup.device)
        means.add(strategy.step(StepBatch(batches, state.step), noise))
        wanted = tick(state.step)
        if wanted or state.step % config.report_every == 0 or state.step == config.steps:
            strategy.check()
            metrics = means.collect()
            if metrics:  # a strategy without losses has seen no images
                metrics["images_per_second"] = (
                    (state.step - first) * config.batch_size / (time.perf_counter() - started)
                )
            if gap_is_due(state.step):
                metrics[GAP] = duality_gap(strategy, batches, setup)
            yield _report(strategy, setup, metrics, evaluate)
            started, first = time.perf_counter(), state.step


def _report(strategy: Strategy, setup: SearchSetup, metrics: dict[str, float], evaluate: Evaluate) -> Report:
    step, sample = strategy.state.step, strategy.sample()
    scores = evaluate(step, sample) if sample else {}
    diagnostics, derived = strategy.diagnostics(), strategy.derived()
    if scores:
        strategy.scored()
    return Report(
        step=step,
        metrics={**metrics, **diagnostics.scalars, **scores},
        genotypes={str(network): each for network, each in derived.items()},
        others=strategy.others(),
        probabilities={str(network): each for network, each in diagnostics.probabilities.items()},
        samples=sample_grid(sample, setup.generator.latent_dim, setup.seed, setup.device) if sample else None,
    )
