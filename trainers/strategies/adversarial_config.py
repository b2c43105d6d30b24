"""Options of the adversarial search: what moves alpha and beta. Imports no torch."""

from typing import Literal

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from search_space.networks.config import Relaxation
from trainers.options import AdamConfig
from trainers.strategies.strategy import Effort, SearchSetup, Strategy, StrategyConfig

KernelRates = Literal["equal", "by_taps"]
"""How learning rates depend on the size of a kernel."""

WARMUP_COST = {"searched": 0.4, "fixed": 0.85}
"""A step without alpha and beta as a share of one with them, by opponent: measured with `images_small`, and
counted from the updates that are left out."""

ARCHITECTURE_ADAM = AdamConfig(lr=3e-4, betas=(0.5, 0.999), weight_decay=1e-4)


class AdversarialConfig(StrategyConfig):
    """AdversarialNAS: alpha and beta descend the losses of G and D (section 3.3, the released search)."""

    name: Literal["adversarial"] = "adversarial"
    warmup_steps: NonNegativeInt = 0
    """Number of steps before alpha and beta begin to change; until then only weights are trained."""
    relaxation: Relaxation = "gumbel"
    """The function that turns alpha and beta into weights of operations. `gumbel` is softmax((alpha +
    noise) / tau); `hard` takes one operation per edge of it, with the gradient of the whole."""
    tau_start: PositiveFloat = 5.0
    """Temperature of the first step."""
    tau_end: PositiveFloat = 0.1
    """Temperature of the last step; tau falls exponentially from tau_start to this."""
    alpha_optimizer: AdamConfig = ARCHITECTURE_ADAM
    """Trains alpha, the architecture of G."""
    beta_optimizer: AdamConfig = ARCHITECTURE_ADAM
    """Trains beta, the architecture of D."""
    sample_per_forward: bool = False
    """Whether real and fake images meet different samples of D, as in the released code. By default there
    is one sample per update."""
    mask_image_edges: bool = True
    """Whether D's image edges use only their 5 operations. False, as in the released code, spreads their
    weight over 7 columns."""
    kernel_learning_rate: KernelRates = "equal"
    """by_taps multiplies the learning rates of k x k kernels by 9 / k^2: Adam moves all weights alike, so
    that the outputs of wide kernels move most, and alpha prefers them."""
    opponent: Literal["searched", "fixed"] = "searched"
    """fixed trains against the discriminator of retraining: there is no beta, and only G is derived."""
    derive: Literal["alpha", "perturbation"] = "alpha"
    """How the generator comes out: each edge's largest alpha, or DARTS-PT: the operation without which the
    supernet's images score worst."""
    perturbation_steps: PositiveInt = 10
    """Of perturbation: steps between two edges' decisions, in which weights train on and alpha stands still;
    they are the last ones of the search."""
    continue_from_ema: bool = False
    """As released: after each evaluation, weights and alpha jump back to their moving average; genotypes are
    derived before."""
    noise_per_batch: bool = False
    """As released: each batch of images that is scored comes from a new sample of alpha."""

    def tau(self, step: int, steps: int) -> float:
        """Temperature of a step, counted from 0, of so many."""
        progress = step / max(steps - 1, 1)
        return self.tau_start * (self.tau_end / self.tau_start) ** progress

    def effort(self, step: int, steps: int) -> Effort:  # noqa: ARG002
        """Steps of the warm-up are shorter."""
        return Effort(step - (1 - WARMUP_COST[self.opponent]) * min(step, self.warmup_steps))

    @property
    def needs_discriminator(self) -> bool:
        """Unless the opponent is fixed."""
        return self.opponent == "searched"

    @property
    def chooses_by_scores(self) -> bool:
        """Where primitives are removed to see what that does."""
        return self.derive == "perturbation"

    @property
    def depends_on_reports(self) -> bool:
        """Whether weights jump at evaluations."""
        return self.continue_from_ema

    def build(self, setup: SearchSetup) -> Strategy:
        """Supernets of the setup's widths, with fresh weights."""
        from trainers.guarded_step import GuardedStep
        from trainers.strategies.adversarial import AdversarialSearch
        from trainers.strategies.adversarial_state import SearchState

        return AdversarialSearch(SearchState(self, setup), self, setup, GuardedStep(setup.device))
