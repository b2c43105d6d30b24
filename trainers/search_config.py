"""Settings of the two-player search; defaults are the released values where the released code is right."""

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from search_space.frozen import Frozen
from search_space.relaxation import Relaxation
from trainers.guarded_step import AdamConfig


class SearchConfig(Frozen):
    """AdversarialNAS search (section 3.3 and the released search script)."""

    steps: PositiveInt = 10_000
    """Discriminator steps; every `n_critic`-th also updates the generator."""
    batch_size: PositiveInt = 120
    """Real images per step on all workers together: half for D's weights, half for beta."""
    generator_batch_size: PositiveInt = 120
    """Latents per generator update on all workers together."""
    n_critic: PositiveInt = 5
    """Discriminator steps per generator step."""
    warmup_steps: NonNegativeInt = 0
    """Steps before alpha and beta begin to move; weights train alone until then."""
    relaxation: Relaxation = "gumbel"
    """How alpha and beta become weights of operations: softmax((alpha + noise) / tau) is `gumbel`."""
    tau_start: PositiveFloat = 5.0
    """Temperature of the first step."""
    tau_end: PositiveFloat = 0.1
    """Temperature of the last step; tau falls exponentially from tau_start to this."""
    generator_optimizer: AdamConfig = AdamConfig()
    """Trains G's weights."""
    discriminator_optimizer: AdamConfig = AdamConfig()
    """Trains D's weights."""
    alpha_optimizer: AdamConfig = AdamConfig(lr=3e-4, betas=(0.5, 0.999), weight_decay=1e-4)
    """Trains alpha, the architecture of G."""
    beta_optimizer: AdamConfig = AdamConfig(lr=3e-4, betas=(0.5, 0.999), weight_decay=1e-4)
    """Trains beta, the architecture of D."""
    ema_decay: float = Field(default=0.999, ge=0, lt=1)
    """Decay of the moving average of G and alpha, per generator step."""
    sample_per_forward: bool = False
    """As released: real and fake images meet different samples of D. Default: one sample per update."""
    mask_image_edges: bool = True
    """False, as released, spreads the weight of D's image edges over 7 columns of which 5 exist."""
    continue_from_ema: bool = False
    """As released: after each evaluation, weights and alpha jump back to their moving average."""
    report_every: PositiveInt = 100
    """Steps between reports; each is a checkpoint, a derivation and a grid of samples."""

    @model_validator(mode="after")
    def _halves_are_equal(self) -> "SearchConfig":
        if self.batch_size % 2:
            raise ValueError("batch_size: has no equal halves; use an even number")
        return self

    def tau(self, step: int) -> float:
        """Temperature of a step, counted from 0."""
        progress = step / max(self.steps - 1, 1)
        return self.tau_start * (self.tau_end / self.tau_start) ** progress

    def updates_generator(self, step: int) -> bool:
        """Whether the generator and alpha are updated in a step, counted from 0."""
        return step % self.n_critic == 0
