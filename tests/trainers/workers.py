"""What two workers do in the tests of `trainers.distributed`: real processes, joined by gloo.

Imported by the spawned processes, which have neither pytest nor fixtures.
"""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import distributed, multiprocessing

from search_space.networks.discriminator import Discriminator
from search_space.networks.generator import Generator
from search_space.space import DEFAULT_SPACE
from tests.trainers.small import (
    BATCH,
    CPU,
    GENERATOR,
    Given,
    adversarial,
    halves,
    images,
    retrain_config,
    retrain_state,
    search_config,
    search_setup,
    search_state,
    tensors,
)
from trainers.config import SearchConfig
from trainers.datasets.batches import Batches
from trainers.distributed import (
    average,
    average_running_statistics,
    rank,
    use_ghost_batches,
    world_size,
)
from trainers.gap import duality_gap
from trainers.guarded_step import GuardedStep, NonFiniteLoss, adam
from trainers.losses.mmd import Mmd
from trainers.noise import SeededNoise
from trainers.options import AdamConfig, ComputeConfig
from trainers.report import MetricMeans
from trainers.retrain import retrain_step
from trainers.samples import SampleGenerator
from trainers.strategies import adversarial as module

WORKERS = 2


def run(tasks: dict[str, Callable[[], Any]], folder: Path) -> list[dict[str, Any]]:
    """What each worker returned, by task; all tasks share two processes, whose start takes seconds."""
    multiprocessing.spawn(_worker, args=(tasks, folder), nprocs=WORKERS)
    return [torch.load(folder / f"{number}.pt", weights_only=False) for number in range(WORKERS)]


def _worker(number: int, tasks: dict[str, Callable[[], Any]], folder: Path) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=number, world_size=WORKERS
    )
    torch.save({name: task() for name, task in tasks.items()}, folder / f"{number}.pt")
    distributed.destroy_process_group()


def averaged_tensors() -> list[torch.Tensor]:
    """Tensors of several shapes and layouts, each worker's its own."""
    tensors = [
        torch.arange(6.0).view(2, 3) * (rank() + 1),
        torch.full((1, 2, 2, 2), float(rank())).to(memory_format=torch.channels_last),
        torch.tensor(10.0 * rank()),
    ]
    average(tensors)
    return tensors


def averaged_running_statistics() -> torch.Tensor:
    """Running means after batches of which each worker saw its own."""
    norm = torch.nn.BatchNorm2d(1, momentum=1.0)
    norm(torch.full((2, 1, 2, 2), float(2 * rank())) + torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1))
    average_running_statistics(norm)
    return torch.cat([norm.running_mean, norm.running_var])


def averaged_metrics() -> dict[str, float]:
    """Means over workers and steps."""
    means = MetricMeans()
    means.add({"loss": torch.tensor(1.0 + rank())})
    means.add({"loss": torch.tensor(3.0 + rank())})
    return means.collect()


def search_steps() -> dict[str, Any]:
    """The state after two steps on this worker's share of the batches, in float64, batch statistics off."""
    torch.set_default_dtype(torch.float64)
    config = search_config(n_critic=2)
    state = search_state(config)
    # BatchNorm in evaluation mode: its statistics would be those of this worker's images alone.
    state.generator.eval()
    step = adversarial(state, config).step
    for index in range(2):
        shares = [half.chunk(world_size())[rank()] for half in halves(torch.float64)]
        step(Given(*shares), SeededNoise(0, index, GENERATOR.latent_dim, CPU))
    torch.set_default_dtype(torch.float32)
    return state.state_dict()


def search_steps_with_batch_statistics(dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    """The state after a step that updates G and one that does not, each of `WORKERS` shares normalised."""
    torch.set_default_dtype(dtype)
    config = search_config(n_critic=2)
    state = search_state(config)
    use_ghost_batches(state.generator, WORKERS)
    step = adversarial(state, config).step
    for index in range(2):
        shares = [half.chunk(world_size())[rank()] for half in halves(dtype)]
        step(Given(*shares), SeededNoise(0, index, GENERATOR.latent_dim, CPU))
    torch.set_default_dtype(torch.float32)
    return state.state_dict()


def retrain_steps_with_batch_statistics(dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    """The same of a retraining."""
    torch.set_default_dtype(dtype)
    config = retrain_config(n_critic=2)
    state = retrain_state(config)
    use_ghost_batches(state.generator, WORKERS)
    for index in range(2):
        real = torch.cat(halves(dtype)).chunk(world_size())[rank()]
        draws = SeededNoise(0, index, GENERATOR.latent_dim, CPU)
        retrain_step(state, real, draws, config, ComputeConfig(), GuardedStep(CPU))
    torch.set_default_dtype(torch.float32)
    return state.state_dict()


def retrain_steps_with_statistics_of_pairs() -> dict[str, Any]:
    """The state after two steps of a retraining with the MMD losses, in float64."""
    torch.set_default_dtype(torch.float64)
    config = retrain_config(loss=Mmd(kick=1e-2))
    state = retrain_state(config)
    use_ghost_batches(state.generator, WORKERS)
    for index in range(2):
        real = torch.cat(halves(torch.float64)).chunk(world_size())[rank()]
        draws = SeededNoise(0, index, GENERATOR.latent_dim, CPU)
        retrain_step(state, real, draws, config, ComputeConfig(), GuardedStep(CPU))
    torch.set_default_dtype(torch.float32)
    return state.state_dict()


def averaged_gradients_of_pairs() -> list[torch.Tensor]:
    """Losses of both players of the outputs of this worker, and their averaged gradients in the weights."""
    random = torch.Generator().manual_seed(0)
    images = torch.randn(22, 5, generator=random, dtype=torch.float64)
    weights = torch.randn(5, 16, generator=random, dtype=torch.float64).requires_grad_()
    loss, found = Mmd(kick=1e-2), []
    # As many generated images as real ones, more of them, fewer.
    for count in (8, 14, 6):
        own = [each.chunk(world_size())[rank()] @ weights for each in images[: 8 + count].split([8, count])]
        for value in (loss.discriminator(*own), loss.generator(own[1], own[0])):
            (gradient,) = torch.autograd.grad(value, weights, retain_graph=True)
            average([gradient])
            found += [value.detach(), gradient]
    return found


def loss_that_is_bad_on_the_second_worker(deferred: bool) -> tuple[str, bool]:
    """What each worker says about it, and whether its parameters stayed what they were."""
    weights = torch.nn.Parameter(torch.ones(3))
    optimizer, descent = adam([weights], AdamConfig()), GuardedStep(CPU, deferred=deferred)
    descent(weights.square().sum(), optimizer, "generator", 0)
    before = copy.deepcopy([weights.data, optimizer.state_dict()["state"][0]["exp_avg"]])
    factor = torch.nan if rank() == 1 else 1.0
    try:
        descent((weights * factor).square().sum(), optimizer, "generator", 1)
        descent(weights.square().sum(), optimizer, "generator", 2)
        descent.check()
    except NonFiniteLoss as error:
        after = [weights.data, optimizer.state_dict()["state"][0]["exp_avg"]]
        return str(error), all(torch.equal(a, b) for a, b in zip(after, before, strict=True))
    return "nothing raised", False


def networks_start_alike() -> list[torch.Tensor]:
    """Parameters of a fresh state."""
    torch.manual_seed(rank())
    state = search_state(search_config())
    assert isinstance(state.generator, Generator)
    assert isinstance(state.discriminator, Discriminator)
    return [parameter.detach() for parameter in state.generator.parameters()]


def strategy_run(
    strategy: str | dict[str, str], space: str = DEFAULT_SPACE
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """State and genotypes of a short search by a strategy, on this worker's share, in float64."""
    torch.set_default_dtype(torch.float64)
    batches = {"batch_size": BATCH, "generator_batch_size": BATCH}
    config = SearchConfig(strategy=strategy, space=space, steps=2, n_critic=1, **batches)
    setup = search_setup(config)
    search = config.strategy.build(setup)
    for network in search.state.networks():
        use_ghost_batches(network, WORKERS)
    for index in range(config.steps):
        shares = [half.chunk(world_size())[rank()] for half in halves(torch.float64)]
        search.step(Given(*shares), SeededNoise(0, index, GENERATOR.latent_dim, CPU))
    torch.set_default_dtype(torch.float32)
    return tensors(search.state.state_dict()), dict(search.derived())


def perturbation_run() -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """State and genotypes of a search whose edges are decided by removal, a step each, in float64."""
    torch.set_default_dtype(torch.float64)
    module.CALIBRATION = 8
    config = search_config(derive="perturbation", perturbation_steps=1, steps=1 + 21)
    state = search_state(config)
    search = adversarial(state, config)
    for network in state.networks():
        use_ghost_batches(network, WORKERS)
    search.use_scores(brightness_of_shares)
    for index in range(config.steps):
        shares = [half.chunk(world_size())[rank()] for half in halves(torch.float64)]
        search.step(Given(*shares), SeededNoise(0, index, GENERATOR.latent_dim, CPU))
    torch.set_default_dtype(torch.float32)
    return tensors(state.state_dict()), dict(search.derived())


def brightness_of_shares(sample: SampleGenerator) -> dict[str, float]:
    """A score of images that workers share: all get the same."""
    latents = torch.randn(4, GENERATOR.latent_dim, generator=torch.Generator().manual_seed(7))
    mean = sample(latents.chunk(world_size())[rank()]).mean()
    average([mean])
    return {"fd": float(mean) + 2.0}


def gap_run(name: str) -> float:
    """The duality gap at the start of a search, of this worker's share."""
    config = SearchConfig(
        strategy=name, steps=2, batch_size=BATCH, generator_batch_size=BATCH, n_critic=1, gap_steps=2
    )
    setup = search_setup(config)
    strategy = config.strategy.build(setup)
    for network in strategy.state.networks():
        use_ghost_batches(network, WORKERS)
    batches = Batches(images(), BATCH, 0, rank(), world_size(), halves=True)
    return duality_gap(strategy, batches, setup)
