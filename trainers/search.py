"""The search loop: yields a report every few steps; what becomes of it is the caller's decision."""

import time
from collections.abc import Iterator

from search_space.derive import derive
from search_space.genotype import Genotype
from search_space.relaxation import entropy, gumbel_noise, probabilities, relax
from trainers.compute import ComputeConfig, set_precision
from trainers.datasets.batches import Batches
from trainers.guarded_step import GuardedStep
from trainers.noise import SeededNoise
from trainers.report import Evaluate, MetricMeans, Report
from trainers.samples import SampleGenerator, sample_grid
from trainers.search_config import SearchConfig
from trainers.search_state import SearchState
from trainers.search_step import SearchStep
from trainers.seeding import generator_for
from trainers.state import copy_buffers, copy_parameters


def search(
    state: SearchState,
    batches: Batches,
    config: SearchConfig,
    seed: int,
    evaluate: Evaluate,
    compute: ComputeConfig | None = None,
) -> Iterator[Report]:
    """Search from the state's step to the end of the configuration, in place.

    Stopping at any report, restoring the state and calling again gives what never stopping gives, bit by bit.

    Raises:
        NonFiniteLoss: before anything is stepped with it.
    """
    compute = compute or ComputeConfig()
    set_precision(compute)
    descent = GuardedStep(state.device)
    step = SearchStep(state, config, compute, descent)
    latent_dim = state.generator.config.latent_dim
    means, started, first = MetricMeans(), time.perf_counter(), state.step
    while state.step < config.steps:
        draws = SeededNoise(seed, state.step, latent_dim, state.device)
        means.add(step(*batches.halves_at(state.step), draws))
        if state.step % config.report_every == 0 or state.step == config.steps:
            descent.check()
            metrics = means.collect()
            metrics["images_per_second"] = (
                (state.step - first) * config.batch_size / (time.perf_counter() - started)
            )
            yield _report(state, config, seed, metrics, evaluate)
            started, first = time.perf_counter(), state.step


def _report(
    state: SearchState, config: SearchConfig, seed: int, metrics: dict[str, float], evaluate: Evaluate
) -> Report:
    sample = ema_sample(state, config, seed)
    scores = evaluate(state.step, sample)
    if scores and config.continue_from_ema:
        copy_parameters(state.generator, state.ema_generator)
        copy_parameters(state.alpha, state.ema_alpha)
    progress = {
        "tau": config.tau(state.step - 1),
        "entropy_alpha": entropy(state.alpha),
        "entropy_beta": entropy(state.beta),
    }
    return Report(
        step=state.step,
        metrics={**metrics, **progress, **scores},
        genotypes=derive_both(state),
        probabilities={
            "generator": probabilities(state.alpha),
            "discriminator": probabilities(state.beta),
        },
        samples=sample_grid(sample, state.generator.config.latent_dim, seed, state.device),
    )


def derive_both(state: SearchState) -> dict[str, Genotype]:
    """The genotypes that alpha and beta stand for now."""
    return {
        "generator": derive(state.alpha),
        "discriminator": derive(state.beta),
    }


def ema_sample(state: SearchState, config: SearchConfig, seed: int) -> SampleGenerator:
    """The moving average of the supernet as one sampled network, in evaluation mode."""
    copy_buffers(state.ema_generator, state.generator)
    state.ema_generator.eval()
    noise = gumbel_noise(state.ema_alpha, generator_for(state.device, seed, "evaluation", state.step))
    edge_weights = relax(state.ema_alpha, config.relaxation, config.tau(state.step - 1), noise)
    return lambda latents: state.ema_generator(latents, edge_weights)
