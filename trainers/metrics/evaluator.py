"""Scores a generator while it trains or afterwards, on all workers.

n samples, z latent size, c channels, h x w pixels.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from search_space.networks.generator import to_uint8
from trainers.datasets.images import Images
from trainers.interruption import raise_if_interrupted
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.errors import ScoreError
from trainers.metrics.extractors.registry import make_extractor
from trainers.metrics.reference import Reference
from trainers.metrics.reference_features import ReferenceFeatures
from trainers.metrics.scoring import Scorer
from trainers.noise import generator_for
from trainers.samples import SampleGenerator


class Evaluator:
    """Scores generators against real images, or statistics of them. Made and called by all ranks; all get the
    same numbers.

    They are the same, up to rounding, for any batch size and number of ranks: each sample's latent depends on
    the seed and the sample's number alone.

    Args:
        config: what is scored; without images its `statistics` stand for them where they are enough.
        images: the real ones.
        cache: folder for what is made once.
        device: where everything is computed.
        weights: whose the generator's are, for the protocol: `ema`, `raw` or `unlabelled`.

    Raises:
        UserError: the extractor or the statistics cannot be had, or a metric needs more images.
    """

    def __init__(
        self,
        config: EvaluationConfig,
        images: Images | None,
        cache: Path,
        device: torch.device,
        weights: str = "ema",
    ) -> None:
        self._config, self._images, self._device, self._weights = config, images, device, weights
        extractor = make_extractor(config, cache, device)
        seen = None if images is None else ReferenceFeatures(images, extractor, cache, config.batch_size)
        self._scorer = Scorer(config, Reference(extractor, seen, config.statistics))

    def __call__(self, sample: SampleGenerator, latent_dim: int) -> Mapping[str, float]:
        """Scores of the images `sample` makes of latents; it has to be in evaluation mode.

        Raises:
            ScoreError: images of another size than the real ones or outside [-1, 1].
        """
        latents = self._latents(latent_dim)

        def images_at(index: Int64[Tensor, " n"]) -> UInt8[Tensor, "n c h w"]:
            raise_if_interrupted()
            return self._as_pixels(sample(latents[index].to(self._device)).float())

        return self._scorer(images_at)

    @property
    def protocol(self) -> Mapping[str, str]:
        """All values that two scores must share to be compared."""
        return self._scorer.protocol(f"{self._weights} generator, seed {self._config.seed}")

    def _latents(self, latent_dim: int) -> Float[Tensor, "n z"]:
        """All latents, drawn at once on the processor: slices do not depend on who draws them."""
        generator = generator_for(torch.device("cpu"), self._config.seed, "evaluation latents")
        return torch.randn(self._config.samples, latent_dim, generator=generator)

    def _as_pixels(self, images: Float[Tensor, "n c h w"]) -> UInt8[Tensor, "n c h w"]:
        if self._images is not None and images.shape[1:] != self._images.pixels.shape[1:]:
            made, real = [*images.shape[1:]], [*self._images.pixels.shape[1:]]
            raise ScoreError(f"generated images are {made}, the real ones {real} (channels, height, width)")
        if not images.isfinite().all():
            raise ScoreError("the generator makes values that are not finite: its training has diverged")
        if not (images.abs() <= 1 + 1e-3).all():
            low, high = images.min(), images.max()
            raise ScoreError(f"generated images must lie in [-1, 1], found [{low:.3g}, {high:.3g}]")
        return to_uint8(images)
