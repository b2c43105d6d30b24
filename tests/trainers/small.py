"""The smallest runs that have everything: a dozen gray images of 16 pixels, networks of a few channels."""

from dataclasses import dataclass

import torch
from torch import Tensor

from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.sampling import sample_genotype
from trainers.config import RetrainConfig, SearchConfig
from trainers.datasets.batches import Batches
from trainers.datasets.images import Images
from trainers.guarded_step import GuardedStep
from trainers.options import ComputeConfig
from trainers.retrain_state import RetrainState, build_networks
from trainers.samples import SampleGenerator
from trainers.strategies.adversarial import AdversarialSearch
from trainers.strategies.adversarial_config import AdversarialConfig
from trainers.strategies.adversarial_state import SearchState
from trainers.strategies.strategy import SearchSetup

CPU = torch.device("cpu")
GENERATOR = GeneratorConfig(channels=3, latent_dim=6, bottom_width=2, image_channels=1)
DISCRIMINATOR = DiscriminatorConfig(channels=4, image_channels=1)  # of fewer, one in three is dead
BATCH = 4
SHORT = {"steps": 4, "batch_size": BATCH, "generator_batch_size": BATCH, "n_critic": 1}


def images(count: int = 12) -> Images:
    """Random pixels, the same every time."""
    generator = torch.Generator().manual_seed(0)
    shape = (count, GENERATOR.image_channels, GENERATOR.image_size, GENERATOR.image_size)
    return Images.of(torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator))


def search_config(**changes: object) -> SearchConfig:
    """Every step updates everything, unless told otherwise; options of the adversarial search go there."""
    own = {name: changes.pop(name) for name in list(changes) if name in AdversarialConfig.model_fields}
    return SearchConfig(**SHORT | ({"strategy": own} if own else {}) | changes)


def search_setup(config: SearchConfig, seed: int = 0, compute: ComputeConfig | None = None) -> SearchSetup:
    """What a strategy is built from."""
    return SearchSetup(config, GENERATOR, DISCRIMINATOR, seed, CPU, compute or ComputeConfig())


def search_state(config: SearchConfig, seed: int = 0) -> SearchState:
    """A fresh state of an adversarial search."""
    assert isinstance(config.strategy, AdversarialConfig)
    return SearchState(config.strategy, search_setup(config, seed))


def adversarial(
    state: SearchState,
    config: SearchConfig,
    *,
    seed: int = 0,
    compute: ComputeConfig | None = None,
    deferred: bool = False,
) -> AdversarialSearch:
    """The search of a state."""
    assert isinstance(config.strategy, AdversarialConfig)
    setup = search_setup(config, seed, compute)
    return AdversarialSearch(state, config.strategy, setup, GuardedStep(CPU, deferred=deferred))


def search_batches(seed: int = 0) -> Batches:
    """Batches in halves, three an epoch."""
    return Batches(images(), BATCH, seed, halves=True)


@dataclass(frozen=True)
class Given:
    """A batch of the images given."""

    weights_half: Tensor
    architecture_half: Tensor

    def whole(self) -> Tensor:
        """Both halves."""
        return torch.cat([self.weights_half, self.architecture_half])

    def halves(self) -> tuple[Tensor, Tensor]:
        """As given."""
        return self.weights_half, self.architecture_half


def halves(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Two halves of a batch of images in [-1, 1]."""
    weights_half, architecture_half = search_batches().halves_at(0)
    return weights_half.to(dtype), architecture_half.to(dtype)


def retrain_config(**changes: object) -> RetrainConfig:
    """Every step updates both networks, unless told otherwise."""
    return RetrainConfig(**SHORT | changes)


def retrain_state(config: RetrainConfig, seed: int = 0, *, derived: bool = False) -> RetrainState:
    """A fresh state, with the fixed discriminator or a derived one."""
    genotypes = {"generator": sample_genotype("generator", 1)}
    if derived:
        genotypes["discriminator"] = sample_genotype("discriminator", 1)
    networks = build_networks(GENERATOR, DISCRIMINATOR, genotypes, seed, config.loss.outputs)
    return RetrainState(*networks, config, CPU)


def no_scores(_step: int, _sample: SampleGenerator) -> dict[str, float]:
    """An evaluation that is never due."""
    return {}


def tensors(tree: object, path: str = "") -> dict[str, Tensor]:
    """Every tensor and number of a nested state, by its path."""
    if isinstance(tree, Tensor):
        return {path: tree.detach().clone()}
    if isinstance(tree, dict):
        items = tree.items()
    elif isinstance(tree, list | tuple):
        items = enumerate(tree)
    else:
        return {path: torch.tensor(float(tree))} if isinstance(tree, int | float) else {}
    return {name: value for key, part in items for name, value in tensors(part, f"{path}.{key}").items()}


def differing(first: object, second: object) -> list[str]:
    """Paths at which two states are not the same, bit by bit."""
    one, other = tensors(first), tensors(second)
    assert one.keys() == other.keys()
    return [path for path, value in one.items() if not torch.equal(value, other[path])]
