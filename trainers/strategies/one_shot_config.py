"""Options of the one-shot search: supernets of single paths, and evolution over their scores. No torch."""

from typing import ClassVar, Literal

from pydantic import NonNegativeInt, PositiveInt

from search_space.evolution.config import EvolutionConfig
from trainers.strategies.strategy import Effort, SearchSetup, Strategy, StrategyConfig


class OneShotConfig(StrategyConfig):
    """Weights are trained path by path, without alpha and beta; then genotypes are scored with these weights.

    A step trains every supernet once; each of the last ones, as many as evolution has candidates, scores one.
    """

    name: Literal["one_shot"] = "one_shot"
    needs_scores: ClassVar[bool] = True
    needs_mixtures: ClassVar[bool] = False
    supernets: PositiveInt = 3
    """Number of supernets that are trained in parallel with seeds of their own. A candidate's score is the
    mean of its scores in them."""
    paths: PositiveInt = 4
    """Number of genotypes per step; each gets an equal share of the batch. Workers share them, too."""
    sampling: Literal["uniform", "fair"] = "uniform"
    """How paths are drawn. `fair` draws the primitives of every edge without replacement, so that each
    occurs equally often."""
    opponent: Literal["fixed", "paths"] = "fixed"
    """The discriminator of the search: that of retraining, or paths of the space's own discriminator, drawn
    like those of the generator."""
    recompute: bool = True
    """Whether the generators' maps are computed a second time in the backward pass instead of being stored:
    half the memory, a quarter more time. The numbers are the same."""
    probe_every: PositiveInt = 75
    """Steps after which a supernet stops and takes back the weights of before, if the median score of some
    fixed paths is not lower than at the last time: long training spoils the ranking."""
    probe_paths: PositiveInt = 32
    """Fixed paths whose median score decides when a supernet stops."""
    calibration_latents: PositiveInt = 400
    """Before a path is scored, BatchNorm's statistics are taken of its maps for these latents, always the
    same."""
    derivations: PositiveInt = 4
    """Number of best candidates that the search derives for a selection."""
    distance: NonNegativeInt = 4
    """The smallest number of edges in which these differ from each other."""
    evolution: EvolutionConfig = EvolutionConfig()

    def effort(self, step: int, steps: int) -> Effort:
        """Steps that train, and genotypes that probes and the last steps score in every supernet."""
        trained = min(step, steps - self.evolution.candidates)
        genotypes = trained // self.probe_every * self.probe_paths + step - trained
        return Effort(trained, self.supernets * genotypes)

    @property
    def needs_discriminator(self) -> bool:
        """Unless the opponent is fixed."""
        return self.opponent == "paths"

    def build(self, setup: SearchSetup) -> Strategy:
        """Supernets with fresh weights.

        Raises:
            UserError: shares that divide neither batch nor workers, a limit that no genotype meets.
        """
        from trainers.strategies.one_shot import OneShotSearch

        return OneShotSearch(self, setup)
