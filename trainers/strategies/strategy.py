"""The interface of a search strategy: options that build it, and the methods that the search loop calls.

Imports no torch: options are read before it is needed.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

from search_space.frozen import Frozen
from search_space.networks.config import DiscriminatorConfig, GeneratorConfig
from search_space.space import SearchSpace
from search_space.topology import Network
from trainers.options import ComputeConfig

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from search_space.genotype import Genotype
    from search_space.relaxation import EdgeProbabilities
    from trainers.config import SearchConfig
    from trainers.noise import NoiseSource
    from trainers.samples import SampleGenerator
    from trainers.state import TrainingState
    from trainers.strategies.inherited import Score


@dataclass(frozen=True)
class SearchSetup:
    """What a strategy is built from; the same on every worker."""

    config: "SearchConfig"
    generator: GeneratorConfig
    discriminator: DiscriminatorConfig
    seed: int
    device: "torch.device"
    compute: ComputeConfig


class Batch(Protocol):
    """This worker's real images of one step, [n, c, s, s] in [-1, 1]; a strategy without need reads none."""

    def whole(self) -> "Tensor":
        """All of them."""

    def halves(self) -> tuple["Tensor", "Tensor"]:
        """The images for weights, and those for the architecture."""


@dataclass(frozen=True)
class Players:
    """The networks that play each other at a step, for metric gap. Copies of them can take their places."""

    generator: "nn.Module"
    discriminator: "nn.Module"
    images: "Callable[[nn.Module, Tensor], Tensor]"
    """Images of a generator like this one, from latents."""
    scored: "Callable[[nn.Module, Tensor], Tensor]"
    """What a discriminator like this one says of images: real and generated ones, or generated ones alone."""


@dataclass(frozen=True)
class Diagnostics:
    """How far a search has come."""

    scalars: Mapping[str, float] = field(default_factory=dict)
    """Reported beside the losses."""
    probabilities: Mapping[Network, "EdgeProbabilities"] = field(default_factory=dict)
    """How much each primitive of each edge is preferred; empty where a strategy has no preferences."""


@dataclass(frozen=True)
class Effort:
    """What some steps take, for an estimate of the time left."""

    training: float
    """In units of a step in which everything is trained."""
    scorings: int = 0
    """Genotypes that the strategy scores on the way, once for each supernet."""


class Strategy(Protocol):
    """A search under way. `trainers.search.search` is the loop for all strategies."""

    state: "TrainingState"
    """All that a checkpoint holds."""

    @abstractmethod
    def step(self, batch: Batch, noise: "NoiseSource") -> Mapping[str, "Tensor"]:
        """Advance `state.step` by one; the losses stay on the device. Called by all workers, as all below."""

    @abstractmethod
    def derived(self) -> Mapping[Network, "Genotype"]:
        """The genotypes that the search would end with now; never with a node without input."""

    def others(self) -> "Sequence[Genotype]":
        """Generators beside the derived one, best first, among which a selection may choose too."""
        return ()

    def sample(self) -> "SampleGenerator | None":
        """What is scored and shown at a report; None, as `StrategyConfig.samples` announces: nothing is."""
        return None

    def use_scores(self, score: "Score") -> None:  # noqa: ARG002
        """Take what scores networks, before the first step; called where something is scored."""
        return

    def scored(self) -> None:
        """Learn that the sample has just been scored, and genotypes derived."""
        return

    def players(self) -> Players | None:
        """The players at this step; None if the strategy has none (see `StrategyConfig.plays`)."""
        return None

    def diagnostics(self) -> Diagnostics:
        """What a report says besides losses and scores."""
        return Diagnostics()

    def check(self) -> None:
        """Wait for the device.

        Raises:
            NonFiniteLoss: a loss was not finite.
        """
        return


class StrategyConfig(Frozen):
    """Options of a strategy: a frozen value that builds it."""

    name: str
    """Literal in each strategy; the name in the registry."""
    samples: ClassVar[bool] = True
    """Whether there is a network to score and to show while the search goes on."""
    plays: ClassVar[bool] = True
    """Whether a generator and a discriminator play each other."""
    needs_mixtures: ClassVar[bool] = True
    """Whether its supernets compute mixtures of primitives; in some spaces they compute single paths only."""
    needs_scores: ClassVar[bool] = False
    """Whether it chooses by scores, which `search.evaluation` then has to give."""

    def effort(self, step: int, steps: int) -> Effort:  # noqa: ARG002
        """What the first `step` of so many steps take; steps take equally long by default."""
        return Effort(step)

    @property
    def chooses_by_scores(self) -> bool:
        """Whether it does with these options."""
        return self.needs_scores

    @property
    def depends_on_reports(self) -> bool:
        """Whether it changes the result how often is reported and scored."""
        return False

    @property
    def needs_discriminator(self) -> bool:
        """Whether its option `opponent` asks for the space's own discriminators: not every space has some."""
        return False

    def unfit(self, space: SearchSpace) -> str | None:
        """Why it cannot search a space, in a few words; None where it can."""
        if "generator" not in space.cells:
            return f"the space {space.name} has no generator"
        if self.needs_mixtures and not space.has_mixtures:
            return f"the supernet of the space {space.name} computes single paths, no mixtures"
        return None

    @abstractmethod
    def build(self, setup: SearchSetup) -> Strategy:
        """The strategy before its first step. Modules that need torch are imported here."""
