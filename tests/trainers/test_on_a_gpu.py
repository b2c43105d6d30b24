"""Complete steps on a pretended GPU: nothing on two devices, nothing waited for, the processor's numbers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from search_space.sampling import sample_genotype
from tests.pretended_gpu import GPU, DeviceMismatch, HostWaits, OnGpu, PretendedGpu, pretended_gpu, values
from tests.trainers import small
from trainers.config import RetrainConfig, SearchConfig
from trainers.datasets.batches import Batches, StepBatch
from trainers.gap import duality_gap
from trainers.guarded_step import GuardedStep
from trainers.noise import SeededNoise
from trainers.options import ComputeConfig
from trainers.retrain import ema_sample, retrain_step
from trainers.retrain_state import RetrainState, build_networks
from trainers.samples import sample_grid
from trainers.state import TrainingState
from trainers.strategies.registry import STRATEGIES
from trainers.strategies.strategy import SearchSetup, Strategy

CPU = torch.device("cpu")
DIRECT = ComputeConfig(backend="direct")
"""What a GPU takes: `auto` may take another backend on a processor."""
WARM, STEPS = 1, 2
"""Constants are brought to the GPU in the first step."""

SEARCHES: dict[str, Any] = {
    **{name: {"strategy": name} for name in STRATEGIES},
    "released": {
        "strategy": {
            "name": "adversarial", "relaxation": "gumbel_of_probabilities", "sample_per_forward": True,
            "mask_image_edges": False, "warmup_steps": 1,
        }
    },
    "hard, against a fixed discriminator": {
        "strategy": {"name": "adversarial", "relaxation": "hard", "kernel_learning_rate": "by_taps",
                     "opponent": "fixed"},
        "loss": "logistic",
    },
    "against paths": {
        "strategy": {"name": "one_shot", "opponent": "paths", "sampling": "fair", "supernets": 1},
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(one_thread: None, unchecked_shapes: None) -> None:
    """Every operation passes through Python as it is."""


@pytest.fixture
def gpu() -> Iterator[PretendedGpu]:
    """The pretended GPU."""
    with pretended_gpu() as mode:
        yield mode


def searched(options: dict[str, Any], device: torch.device, gpu: PretendedGpu | None = None) -> Strategy:
    """A search after some steps, those after the first ones watched."""
    config = SearchConfig(**small.SHORT, **options)
    setup = SearchSetup(config, small.GENERATOR, small.DISCRIMINATOR, 0, device, DIRECT)
    strategy = config.strategy.build(setup)
    batches = Batches(small.images(), small.BATCH, 0, device=device, halves=True)
    for step in range(STEPS):
        noise = SeededNoise(0, step, small.GENERATOR.latent_dim, device)
        if gpu and step >= WARM:
            with gpu.step():
                strategy.step(StepBatch(batches, step), noise)
        else:
            strategy.step(StepBatch(batches, step), noise)
    strategy.check()
    return strategy


def retrained(
    config: RetrainConfig, device: torch.device, gpu: PretendedGpu | None = None, steps: int = STEPS
) -> RetrainState:
    """A retraining against a derived discriminator, in the same way."""
    genotypes = {network: sample_genotype(network, 1) for network in ("generator", "discriminator")}
    networks = build_networks(small.GENERATOR, small.DISCRIMINATOR, genotypes, 0, config.loss.outputs)
    state, descent = RetrainState(*networks, config, device, DIRECT), GuardedStep(device)
    batches = Batches(small.images(), small.BATCH, 0, device=device)
    for step in range(steps):
        noise = SeededNoise(0, step, small.GENERATOR.latent_dim, device)
        if gpu and step >= WARM:
            with gpu.step():
                retrain_step(state, batches.at(step), noise, config, DIRECT, descent)
        else:
            retrain_step(state, batches.at(step), noise, config, DIRECT, descent)
    descent.check()
    return state


def held(state: TrainingState) -> dict[str, torch.Tensor]:
    """Everything that a training has learnt."""
    return learnt_in(state.state_dict())


def learnt_in(tree: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The same of a checkpoint. Whether a graph can capture an optimizer is the device's affair."""
    found = small.tensors(tree).items()
    return {name: values(tensor) for name, tensor in found if not name.endswith(".capturable")}


@pytest.mark.parametrize("options", SEARCHES.values(), ids=SEARCHES)
def test_a_search_never_waits_for_the_gpu_and_learns_what_it_learns_without(
    options: dict[str, Any], gpu: PretendedGpu
) -> None:
    strategy = searched(options, GPU, gpu)
    parameters = [p for network in strategy.state.networks() for p in network.parameters()]
    assert all(isinstance(parameter, OnGpu) for parameter in parameters)
    assert bool(parameters) == strategy_trains(options)
    expected = searched(options, CPU)
    assert small.differing(held(strategy.state), held(expected.state)) == []
    assert strategy.derived() == expected.derived()


def strategy_trains(options: dict[str, Any]) -> bool:
    """Whether there are weights."""
    return options["strategy"] != "random"


def places(tree: Any, path: str = "") -> dict[str, int]:
    """Where every tensor of a state lies."""
    if isinstance(tree, torch.Tensor):
        return {path: values(tree).data_ptr()}
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return {name: place for key, part in items for name, place in places(part, f"{path}.{key}").items()}


@pytest.mark.parametrize("name", ["adversarial", {"name": "one_shot", "supernets": 1}])
def test_steps_find_and_leave_everything_in_the_same_places(name: Any, gpu: PretendedGpu) -> None:
    """As a CUDA graph needs it, which repeats a step on the addresses that it had when it was captured."""
    strategy = searched({"strategy": name}, GPU, gpu)
    before = places(strategy.state.state_dict())
    assert len(before) > 100
    batches = Batches(small.images(), small.BATCH, 0, device=GPU, halves=True)
    learnt = held(strategy.state)
    strategy.step(StepBatch(batches, STEPS), SeededNoise(0, STEPS, small.GENERATOR.latent_dim, GPU))
    assert places(strategy.state.state_dict()) == before
    changed = {name for name, value in held(strategy.state).items() if not torch.equal(value, learnt[name])}
    assert {name.rpartition(".")[2] for name in changed} >= {"weight", "u", "v", "exp_avg"}


@pytest.mark.parametrize("options", [{"clip_gradient_norm": 1.0}, {"loss": "mmd"}], ids=["clipped", "mmd"])
def test_a_retraining_never_waits_for_the_gpu_and_learns_what_it_learns_without(
    options: dict[str, Any], gpu: PretendedGpu
) -> None:
    config = small.retrain_config(**options)
    state = retrained(config, GPU, gpu)
    assert all(isinstance(p, OnGpu) for network in state.networks() for p in network.parameters())
    assert small.differing(held(state), held(retrained(config, CPU))) == []


@pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")  # what PyTorch thinks of `meta`
def test_samples_and_files_are_the_processors(gpu: PretendedGpu, tmp_path: Path) -> None:  # noqa: ARG001
    config = small.retrain_config()
    state = retrained(config, GPU)
    expected = retrained(config, CPU)
    grids = [
        sample_grid(ema_sample(one), small.GENERATOR.latent_dim, 0, one.device) for one in (state, expected)
    ]
    assert grids[0].device == CPU
    assert torch.equal(*grids)
    torch.save(state.state_dict(), tmp_path / "state.pt")
    found = torch.load(tmp_path / "state.pt", map_location="cpu", weights_only=True)
    assert small.differing(learnt_in(found), held(expected)) == []
    for device in (GPU, CPU):
        fresh = retrained(config, device, steps=1)
        fresh.load_state_dict(found)
        assert small.differing(held(fresh), held(expected)) == []
        groups = [optimizer.param_groups[0]["capturable"] for optimizer in fresh.optimizers.values()]
        assert groups == [device == GPU] * 2


def test_the_duality_gap_is_the_processors(gpu: PretendedGpu) -> None:  # noqa: ARG001
    def gap(device: torch.device) -> float:
        config = SearchConfig(**small.SHORT, gap_steps=1)
        setup = SearchSetup(config, small.GENERATOR, small.DISCRIMINATOR, 0, device, DIRECT)
        batches = Batches(small.images(), small.BATCH, 0, device=device, halves=True)
        return duality_gap(config.strategy.build(setup), batches, setup)

    assert gap(GPU) == gap(CPU)


@pytest.mark.parametrize(
    "wait",
    [
        lambda x: float(x.sum()),
        lambda x: x.cpu(),
        lambda x: x.tolist(),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: x.add_(torch.ones(3).to(GPU)),
        lambda x: x.copy_(torch.ones(3)),
        lambda x: x.add_(torch.tensor(1.0, device=GPU)),
        lambda x: bool((x > 0).all()),
    ],
)
def test_the_pretended_gpu_sees_who_waits_for_it(wait: Any, gpu: PretendedGpu) -> None:
    x = torch.zeros(3, device=GPU)
    wait(x)
    with gpu.step(), pytest.raises(HostWaits):
        wait(x)


def test_the_pretended_gpu_refuses_what_is_elsewhere(gpu: PretendedGpu) -> None:
    x = torch.zeros(3, device=GPU)
    with pytest.raises(DeviceMismatch):
        x + torch.ones(3)
    with gpu.step(), pytest.raises(DeviceMismatch):
        x[[0, 2]]
