"""Scores a generator while it trains or afterwards, on all workers.

n samples, z latent size, c channels, h x w pixels.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from trainers.datasets.images import Images
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.errors import ScoreError
from trainers.metrics.extractors import EXTRACTORS
from trainers.metrics.reference import Reference
from trainers.metrics.scoring import score
from trainers.samples import SampleGenerator, to_uint8
from trainers.seeding import generator_for

PROTOCOL = 1
"""Raise it when the same configuration begins to give other scores."""


class Evaluator:
    """Scores generators against real images. Called by all ranks; all get the same numbers.

    They are the same, up to rounding, for any batch size and number of ranks: each sample's latent
    depends on the seed and the sample's number alone.

    Raises:
        UserError: the extractor cannot be had; its message says how to get it.
    """

    def __init__(
        self, config: EvaluationConfig, images: Images, cache: Path, device: torch.device, *, ema: bool = True
    ) -> None:
        self._config, self._images, self._device, self._ema = config, images, device, ema
        self._extractor = EXTRACTORS[config.extractor](config, cache)
        self._extractor.network.to(device)
        self._reference = Reference(images, self._extractor, cache, config.batch_size, device)

    def __call__(self, sample: SampleGenerator, latent_dim: int) -> Mapping[str, float]:
        """Scores of images `sample` makes of latents; it has to be in evaluation mode.

        Raises:
            ScoreError: images of another size than the real ones or outside [-1, 1].
        """
        latents = self._latents(latent_dim)

        def images_at(index: Int64[Tensor, " n"]) -> UInt8[Tensor, "n c h w"]:
            return self._checked(sample(latents[index].to(self._device)).float())

        return score(images_at, self._config, self._extractor, self._reference, self._device)

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """What two scores must share to be compared."""
        return {
            "protocol": str(PROTOCOL),
            "extractor": self._extractor.name,
            "weights": self._extractor.weights[:16],
            "resize": self._extractor.resize,
            "samples": str(self._config.samples),
            "reference": self._reference.fingerprint,
            "network": "ema" if self._ema else "raw",
            "seed": str(self._config.seed),
        }

    def _latents(self, latent_dim: int) -> Float[Tensor, "n z"]:
        """All latents, drawn at once on the processor: slices do not depend on who draws them."""
        generator = generator_for(torch.device("cpu"), self._config.seed, "evaluation latents")
        return torch.randn(self._config.samples, latent_dim, generator=generator)

    def _checked(self, images: Float[Tensor, "n c h w"]) -> UInt8[Tensor, "n c h w"]:
        expected = self._images.pixels.shape[1:]
        if images.shape[1:] != expected:
            raise ScoreError(f"generated images are {[*images.shape[1:]]}, the real ones {[*expected]}")
        if not (images.abs() <= 1 + 1e-3).all():
            low, high = images.min(), images.max()
            raise ScoreError(f"generated images must lie in [-1, 1], found [{low:.3g}, {high:.3g}]")
        return to_uint8(images)
