"""The settings of an evaluation: metrics, number of samples, extractor."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt, StringConstraints, model_validator

from search_space.frozen import Frozen
from trainers.files import absolute
from trainers.options import File

MetricName = Literal["fid", "fd", "is", "kid", "kd", "precision_recall", "gap"]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{8,64}$")]

PUBLISHED_INCEPTION: Sha256 = "6726825d"
"""First digits of the sha256 of TensorFlow's Inception weights of 2015-12-05, as torch-fidelity has them."""

NETWORK_FILES = (".pt", ".pt2")
"""Suffixes of extractors of the user's own: TorchScript and torch.export."""


def _is_file(extractor: str) -> bool:
    return Path(extractor).suffix in NETWORK_FILES


def _located(extractor: Any) -> Any:
    """`{file: PATH}` is its path; paths are made absolute, as workers run in folders of their own."""
    if isinstance(extractor, dict) and list(extractor) == ["file"]:
        extractor = str(extractor["file"])
    return str(absolute(Path(extractor))) if isinstance(extractor, str) and _is_file(extractor) else extractor


class EvaluationConfig(Frozen):
    """The scoring of generators; the defaults are the published protocol."""

    every: NonNegativeInt = 0
    """Number of steps between two evaluations during training; 0: no evaluation."""
    samples: PositiveInt = 50_000
    """Number of images that are generated for one evaluation, over all workers."""
    batch_size: PositiveInt = 64
    """Number of images per forward pass of a worker. It changes speed and memory, not scores."""
    metrics: tuple[MetricName, ...] = Field(("fid", "is"), min_length=1)
    """Frechet distance (`fd`), Inception score (`is`), kernel distance (`kd`), precision and recall. `fid`
    and `kid` are the distances of the published Inception network, and refused with any other. `gap` is the
    duality gap of a search's two players, which needs no network that sees images."""
    extractor: Annotated[str, BeforeValidator(_located)] = "inception"
    """The network that sees the images: inception, efficientnet_lite0, digits, ... (the error for an
    unknown name lists all), or a file of TorchScript (.pt) or torch.export (.pt2): docs/scores.md."""
    weights: File | None = None
    """Inception's weights file. null: that of ADVNAS_INCEPTION_WEIGHTS, else torch-fidelity's download."""
    weights_sha256: Sha256 = PUBLISHED_INCEPTION
    """First digits of the weights file's sha256, 8 or more. Other weights than the published ones are
    scored as another extractor, `fd_inception_<digits>`."""
    statistics: File | None = None
    """File of reference statistics, an .npz of mu and sigma. null: statistics of the run's own images,
    which are computed once."""
    kd_subset_size: PositiveInt = 1000
    """Number of images in each of the 100 subsets of the kernel distance; published scores use 1000."""
    seed: NonNegativeInt = 0
    """Seed of the latents. Runs that are compared share it, so it is not the run's own."""

    @property
    def of_images(self) -> tuple[MetricName, ...]:
        """The metrics that look at images; without any, nothing is generated."""
        from trainers.metrics.specs import METRIC_SPECS

        return tuple(name for name in self.metrics if METRIC_SPECS[name].make)

    @property
    def published(self) -> bool:
        """Whether the field's own network sees the images."""
        return self.extractor == "inception" and self.weights_sha256.startswith(PUBLISHED_INCEPTION)

    @property
    def extractor_name(self) -> str:
        """The extractor as scores name it: Inception with other weights is another one, a file its stem."""
        if self.extractor == "inception" and not self.published:
            return f"inception_{self.weights_sha256[:8]}"
        return _stem(self.extractor) if _is_file(self.extractor) else self.extractor

    @model_validator(mode="after")
    def _known_extractor(self) -> Self:
        from trainers.metrics.extractors.registry import EXTRACTORS

        if _is_file(self.extractor):
            if taken := [name for name in EXTRACTORS if _stem(self.extractor).startswith(name)]:
                raise ValueError(f"extractor: its scores would be taken for those of {taken[0]}; rename it")
        elif self.extractor not in EXTRACTORS:
            known = ", ".join(EXTRACTORS)
            raise ValueError(f"extractor: unknown {self.extractor!r}; known: {known}, or a .pt or .pt2 file")
        return self

    @model_validator(mode="after")
    def _metrics_fit(self) -> Self:
        from trainers.metrics.specs import METRIC_SPECS

        for name in self.metrics:
            if name in ("fid", "kid") and not self.published:
                raise ValueError(
                    f"metrics: {name} is the published Inception's; write {name[0]}d for this extractor"
                )
            fewest = METRIC_SPECS[name].fewest(self)
            if self.samples < fewest:
                raise ValueError(f"samples: {name} needs at least {fewest}, got {self.samples}")
        return self


def _stem(file: str) -> str:
    """The file's name as a part of a score's."""
    return re.sub(r"[^a-z0-9]+", "_", Path(file).stem.lower()).strip("_") or "file"
