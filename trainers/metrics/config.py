"""What is scored, on how many samples and with which network's eyes."""

from typing import Literal, Self

from pydantic import NonNegativeInt, PositiveInt, model_validator

from search_space.frozen import Frozen

MetricName = Literal["fid", "fd", "is", "kid", "kd", "precision_recall"]


class EvaluationConfig(Frozen):
    """How generators are scored. The defaults are the published protocol."""

    every: NonNegativeInt = 0
    """Steps between two evaluations while training; 0 evaluates never."""
    samples: PositiveInt = 50_000
    """Images generated for one evaluation, over all workers."""
    batch_size: PositiveInt = 64
    """Images per forward pass of a worker; changes speed and memory, not scores."""
    metrics: tuple[MetricName, ...] = ("fid", "is")
    """Frechet distance (`fd`), Inception score (`is`), kernel distance (`kd`), precision and recall.
    `fid` and `kid` are the distances of the published Inception network, and refused with any other."""
    extractor: str = "inception"
    """The network that sees the images: one of `trainers.metrics.extractors.EXTRACTORS`."""
    seed: NonNegativeInt = 0
    """Of the latents. Runs to be compared share it."""

    @model_validator(mode="after")
    def _known_extractor(self) -> Self:
        from trainers.metrics.extractors import EXTRACTORS

        if self.extractor not in EXTRACTORS:
            raise ValueError(f"extractor: unknown {self.extractor!r}; known: {', '.join(EXTRACTORS)}")
        return self

    @model_validator(mode="after")
    def _metrics_fit(self) -> Self:
        from trainers.metrics.families import FAMILIES

        for name in self.metrics:
            if name in ("fid", "kid") and self.extractor != "inception":
                raise ValueError(f"metrics: {name} is Inception's; with {self.extractor} write {name[0]}d")
            fewest = FAMILIES[name].fewest(self)
            if self.samples < fewest:
                raise ValueError(f"samples: {name} needs at least {fewest}, got {self.samples}")
        return self
