"""The retraining loop: two updates, a moving average; yields a report every few steps.

Shapes: N this worker's share of a batch, C channels, S image size.
"""

import time
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from search_space.networks.generator import ImageGenerator
from trainers.compute import autocast, set_arithmetic
from trainers.config import RetrainConfig, SearchConfig
from trainers.datasets.batches import Batches
from trainers.distributed import average_running_statistics
from trainers.guarded_step import GuardedStep, frozen
from trainers.interruption import raise_if_interrupted
from trainers.losses.update import discriminator_loss, generator_loss
from trainers.noise import NoiseSource, SeededNoise
from trainers.options import ComputeConfig
from trainers.report import Evaluate, MetricMeans, Report
from trainers.retrain_state import RetrainState
from trainers.samples import SampleGenerator, sample_grid
from trainers.state import copy_buffers, update_ema
from trainers.ticks import tick


def retrain(
    state: RetrainState,
    batches: Batches,
    config: RetrainConfig,
    seed: int,
    evaluate: Evaluate,
    compute: ComputeConfig | None = None,
    until: int | None = None,
) -> Iterator[Report]:
    """Train from the state's step to the end of the configuration, in place; resumes as exactly as `search`.

    `until` is an earlier step to pause at. Learning rates fall over all steps of the configuration even so: a
    training that pauses and goes on comes to the weights of one that never did.

    Raises:
        NonFiniteLoss: before anything is stepped with it.
    """
    compute = compute or ComputeConfig()
    set_arithmetic(compute, state.device)
    descent = GuardedStep(state.device)
    latent_dim = state.generator.config.latent_dim
    end = min(until or config.steps, config.steps)
    means, started, first = MetricMeans(), time.perf_counter(), state.step
    while state.step < end:
        raise_if_interrupted()
        draws = SeededNoise(seed, state.step, latent_dim, state.device)
        means.add(retrain_step(state, batches.at(state.step), draws, config, compute, descent))
        wanted = tick(state.step)
        if wanted or state.step % config.report_every == 0 or state.step == end:
            descent.check()
            metrics = means.collect()
            metrics["images_per_second"] = (
                (state.step - first) * config.batch_size / (time.perf_counter() - started)
            )
            sample = ema_sample(state)
            scores = evaluate(state.step, sample)
            state.schedule.watch(config.loss, scores)
            yield Report(
                step=state.step,
                metrics={**metrics, **scores},
                samples=sample_grid(sample, latent_dim, seed, state.device),
            )
            started, first = time.perf_counter(), state.step


def fine_tuned(
    generator: ImageGenerator,
    discriminator: nn.Module,
    batches: Batches,
    config: SearchConfig,
    steps: int,
    seed: int,
    compute: ComputeConfig,
) -> ImageGenerator:
    """The moving average of a generator that trains on for some steps, with fresh optimizers of a search.

    Raises:
        NonFiniteLoss: before anything is stepped with it.
    """
    shared = config.model_dump(include=set(RetrainConfig.model_fields) - {"steps", "report_every"})
    recipe = RetrainConfig(**shared, steps=steps, report_every=steps)
    device = next(generator.parameters()).device
    state = RetrainState(generator.train().requires_grad_(True), discriminator, recipe, device, compute)
    for _ in retrain(state, batches, recipe, seed, lambda _step, _sample: {}, compute):
        pass
    return state.ema_generator


def retrain_step(
    state: RetrainState,
    real: Float[Tensor, "n c s s"],
    draws: NoiseSource,
    config: RetrainConfig,
    compute: ComputeConfig,
    descent: GuardedStep,
) -> dict[str, Tensor]:
    """Advance the state by one discriminator step and, every `n_critic` steps, one generator step."""
    for optimizer, adam in (
        (state.optimizers["generator"], config.generator_optimizer),
        (state.optimizers["discriminator"], config.discriminator_optimizer),
    ):
        optimizer.param_groups[0]["lr"] = adam.lr * config.lr_factor(state.step)
    config = config.model_copy(update={"loss": state.schedule.current(config.loss)})
    metrics = _update_discriminator(state, real, draws, config, compute, descent)
    if state.step % config.n_critic == 0:
        metrics["loss_generator"] = _update_generator(state, real, draws, config, compute, descent)
        update_ema(state.ema_generator, state.generator, config.ema_decay)
    # After every step: G's forwards in D's updates move these statistics too.
    average_running_statistics(state.generator)
    state.step += 1
    return metrics


def _update_discriminator(
    state: RetrainState,
    real: Tensor,
    draws: NoiseSource,
    config: RetrainConfig,
    compute: ComputeConfig,
    descent: GuardedStep,
) -> dict[str, Tensor]:
    with autocast(compute, state.device):
        with torch.no_grad():
            fake = state.generator(draws.latents("discriminator", config.batch_size))
        apart = [state.discriminator] if config.separate_forwards else []
        loss, real_scores, fake_scores = discriminator_loss(
            config.loss, real, fake, state.discriminator, *apart
        )
    descent(loss, state.optimizers["discriminator"], "discriminator", state.step, config.clip_gradient_norm)
    return {
        "loss_discriminator": loss.detach(),
        "score_real": real_scores.detach().mean(),
        "score_fake": fake_scores.detach().mean(),
    }


def _update_generator(
    state: RetrainState,
    real: Tensor,
    draws: NoiseSource,
    config: RetrainConfig,
    compute: ComputeConfig,
    descent: GuardedStep,
) -> Tensor:
    with autocast(compute, state.device), frozen(state.discriminator):
        fake = state.generator(draws.latents("generator", config.generator_batch_size))
        loss = generator_loss(config.loss, real, fake, state.discriminator)
    descent(loss, state.optimizers["generator"], "generator", state.step, config.clip_gradient_norm)
    return loss.detach()


def ema_sample(state: RetrainState) -> SampleGenerator:
    """The moving average of the generator, in evaluation mode."""
    copy_buffers(state.ema_generator, state.generator)
    state.ema_generator.eval()
    return state.ema_generator
