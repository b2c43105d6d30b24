"""Turning reports into entries, each step once."""

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from orchestrator.plots.images import DRAWING_SHARE, drawing, image_grid
from orchestrator.tracking.sending.entry import Entry
from search_space.genotype import Genotype, Provenance, differing_edges
from trainers.metrics.specs import lower_is_better
from trainers.report import Report

logger = logging.getLogger(__name__)

DERIVED = "genotypes"
"""Folder of a run's artifacts: what each report derived."""


def derived_file(network: str, step: int) -> str:
    """The artifact that holds what the report of a step derived."""
    return f"{DERIVED}/{network}_{step:07d}.json"


STEP = "step"
"""Metric with the step of the newest report; of other curves in the same run too, below their prefix."""
BEST, LAST = "best", "last"
"""Metrics with the best and the newest value of the score that decides, whatever its name."""


class Marks(NamedTuple):
    """What makes runs of different scores sortable by one column."""

    deciding: str | None
    """Name of the score that decides; None where nothing is scored."""

    def of(self, metrics: Mapping[str, float], best: float | None) -> dict[str, float]:
        """The best and the newest score; empty where the metrics lack it."""
        if self.deciding is None or self.deciding not in metrics:
            return {}
        score = metrics[self.deciding]
        better = min if lower_is_better(self.deciding) else max
        return {BEST: score if best is None else better(best, score), LAST: score}


@dataclass
class Recorder:
    """Remembers what the run has been told already."""

    provenance: Provenance
    """Of genotypes that come without: the run, its seed and commit."""
    last_steps: dict[str, int] = field(default_factory=dict)
    """By prefix of metrics, of the newest report that the store has: who goes on repeats those up to it."""
    genotypes: dict[str, Genotype] = field(default_factory=dict)
    """Newest by network."""
    reported: dict[str, Genotype] = field(default_factory=dict)
    """The genotypes that came with a report since the run was opened."""
    drawing_share: float = DRAWING_SHARE
    _drawn: dict[str, str] = field(default_factory=dict)
    """Content hash of the last drawing, by network."""
    _next_drawing: float = 0.0

    @property
    def last_step(self) -> int:
        """Of the run's own newest report, -1 before the first."""
        return self.last_steps.get("", -1)

    def entry(self, report: Report, prefix: str = "") -> Entry | None:
        """What to write of a report, with a prefix to its metrics; None if the store has it."""
        if report.step <= self.last_steps.get(prefix, -1):
            return None
        found = {
            network: self._with_provenance(new, report.step) for network, new in report.genotypes.items()
        }
        metrics, tags = finite(report.metrics, report.step)
        metrics |= {STEP: float(report.step), **self._edges_changed(found)}
        files = self._genotype_files(found, report.step)
        images = self._due_drawings(found)
        if report.samples is not None:
            images["samples"] = image_grid(report.samples)
        self.last_steps[prefix] = report.step
        self.genotypes |= found
        self.reported |= found
        return Entry(
            step=report.step,
            metrics={f"{prefix}{name}": value for name, value in metrics.items()},
            tags=tags | hashes(found),
            # The newest also as plain files: MLflow's tiles by step open at step 0, below all params.
            files=files | {f"{key}.png": png for key, png in images.items()},
            images=images,
        )

    def _with_provenance(self, genotype: Genotype, step: int) -> Genotype:
        if genotype.provenance is not None:
            return genotype
        return genotype.model_copy(update={"provenance": self.provenance.model_copy(update={"step": step})})

    def _edges_changed(self, found: Mapping[str, Genotype]) -> dict[str, float]:
        return {
            f"edges_changed_{network}": float(differing_edges(self.genotypes[network], genotype))
            for network, genotype in found.items()
            if network in self.genotypes
        }

    def _genotype_files(self, found: Mapping[str, Genotype], step: int) -> dict[str, bytes]:
        """Every derivation under its step, the newest under a name that stays."""
        files: dict[str, bytes] = {}
        for network, genotype in found.items():
            content = genotype.to_json().encode()
            files |= {derived_file(network, step): content, f"genotype_{network}.json": content}
        return files

    def _due_drawings(self, found: Mapping[str, Genotype]) -> dict[str, bytes]:
        """PNG of networks whose last drawing shows another genotype, unless it is too early to draw again."""
        changed = {n: new for n, new in found.items() if self._drawn.get(n) != new.content_hash}
        started = time.monotonic()
        if not changed or started < self._next_drawing:
            return {}
        drawings = {f"genotype_{network}": drawing(genotype, ".png") for network, genotype in changed.items()}
        self._drawn |= {network: genotype.content_hash for network, genotype in changed.items()}
        self._next_drawing = time.monotonic() + (time.monotonic() - started) * (1 / self.drawing_share - 1)
        return drawings


def architecture(genotypes: Mapping[str, Genotype], step: int) -> Entry:
    """Genotypes as people take them away: JSON, PNG and SVG."""
    files: dict[str, bytes] = {}
    for network, genotype in genotypes.items():
        files[f"genotype_{network}.json"] = genotype.to_json().encode()
        files |= {f"genotype_{network}{suffix}": drawing(genotype, suffix) for suffix in (".png", ".svg")}
    return Entry(step=step, tags=hashes(genotypes), files=files)


def hashes(genotypes: Mapping[str, Genotype]) -> dict[str, str]:
    """Tags that are equal where architectures are."""
    return {f"advnas.genotype.{network}": genotype.content_hash for network, genotype in genotypes.items()}


def edge_params(genotype: Genotype) -> dict[str, str]:
    """One parameter for each edge, so that MLflow's "Show diff only" compares genotypes."""
    return {
        f"{genotype.network}.cell{cell}.edge{edge:02d}": name
        for cell, names in enumerate(genotype.cells)
        for edge, name in enumerate(names)
    }


def finite(metrics: Mapping[str, float], step: int) -> tuple[dict[str, float], dict[str, str]]:
    """Metrics that MLflow can store, and a tag that names the others: it would store 1.8e308 for infinity."""
    kept = {name: float(value) for name, value in metrics.items() if math.isfinite(value)}
    left_out = ", ".join(f"{name} = {value}" for name, value in metrics.items() if name not in kept)
    if not left_out:
        return kept, {}
    logger.warning("step %d: not recorded, as not finite: %s", step, left_out)
    return kept, {"advnas.not_finite": f"step {step}: {left_out}"}
