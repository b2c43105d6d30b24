"""The curves of trainings: written during a training, kept after it, and combined into one table."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from orchestrator.jobs.job import Emit, Job
from trainers.files import append_entry, json_lines
from trainers.metrics.specs import score_names
from trainers.report import Report

if TYPE_CHECKING:
    import pyarrow as pa

CURVE_FILE = "curve.jsonl"
"""In the folder of a training: a line for each evaluation."""
RUNS_FILE = "runs.jsonl"
"""In the folder of the stage: a line for each training that has ended."""

Scores = Mapping[str, float]
Key = tuple[str, int]
"""Genotype's id and seed."""


@dataclass(frozen=True)
class EndedRun:
    """One training: what it scored, and whether it came to its end."""

    genotype: str
    """As in selections and their tables: `selection.curves.genotype_id`."""
    seed: int
    scores: Mapping[int, Scores] = field(default_factory=dict)
    """By step."""
    diverged: str | None = None
    """Why it ended early; None for one that did not."""
    protocol: Mapping[str, str] = field(default_factory=dict)
    """What its scores must share with others to be compared; journals of earlier versions have none."""
    hours: float | None = None
    """Of training, summed over devices; journals of earlier versions have none."""

    @property
    def key(self) -> Key:
        """What tells it from the others."""
        return self.genotype, self.seed

    def curve(self, metric: str, steps: Sequence[int]) -> list[float]:
        """One score at these steps; NaN where there is none or it is not finite."""
        values = [self.scores.get(step, {}).get(metric, math.nan) for step in steps]
        return [value if math.isfinite(value) else math.nan for value in values]


def listening(job: Job) -> Emit:
    """Writes the scores of a training to its folder. A step that is trained again is written again."""
    names, path = tuple(score_names(job.config.evaluation)), job.folder / CURVE_FILE

    def emit(report: Report) -> None:
        if scores := {name: report.metrics[name] for name in names if name in report.metrics}:
            pace = report.metrics.get("images_per_second")
            append_entry(path, {"step": report.step, "scores": scores, "images_per_second": pace})

    return emit


def ended(job: Job, genotype: str, diverged: str | None, protocol: Mapping[str, str]) -> EndedRun:
    """A training as its folder tells it."""
    at = {
        entry["step"]: entry
        for entry in sorted(
            json_lines(job.folder / CURVE_FILE, "step", "scores"), key=lambda one: one["step"]
        )
    }
    scores = {step: entry["scores"] for step, entry in at.items()}
    paces = {step: entry.get("images_per_second") for step, entry in at.items()}
    return EndedRun(genotype, job.experiment.seed, scores, diverged, protocol, _hours(job, paces))


def _hours(job: Job, paces: Mapping[int, float | None]) -> float | None:
    """Of all devices; without the time of scoring, and at the pace of the reports that were scored."""
    seconds, before = 0.0, 0
    for step, pace in paces.items():
        seconds += (step - before) * job.config.batch_size / pace if pace else 0.0
        before = step
    return seconds / 3600 * max(job.experiment.cluster.num_workers, 1) or None


class RunJournal:
    """The trainings that have ended, on disk as soon as they have. One process writes it."""

    def __init__(self, path: Path, recorded: Callable[[], None] = lambda: None) -> None:
        """`recorded` is called after every new run."""
        self._path, self._recorded = path, recorded
        self.known: dict[Key, EndedRun] = {}
        for entry in json_lines(path, "genotype", "seed", "scores", "diverged"):
            run = EndedRun(
                entry["genotype"],
                entry["seed"],
                {int(step): scores for step, scores in entry["scores"].items()},
                entry["diverged"],
                entry.get("protocol", {}),
                entry.get("hours"),
            )
            self.known[run.key] = run

    @property
    def protocol(self) -> Mapping[str, str]:
        """That of all scores; empty where there are none."""
        return next((run.protocol for run in self.known.values() if run.protocol), {})

    def record(self, run: EndedRun) -> None:
        """Keep a run, on disk before this returns."""
        append_entry(self._path, asdict(run))
        self.known[run.key] = run
        self._recorded()


def curves_of(
    runs: Mapping[Key, EndedRun], genotypes: Sequence[str], seeds: Sequence[int], steps: Sequence[int],
    metric: str,
) -> Float64[np.ndarray, "G K T"]:  # fmt: skip
    """One score of all runs at all steps; NaN where it is not finite."""
    rows = [[runs[genotype, seed].curve(metric, steps) for seed in seeds] for genotype in genotypes]
    return np.array(rows, dtype=np.float64)


def table_of(runs: Sequence[EndedRun], names: Sequence[str], metric: str, steps: Sequence[int]) -> "pa.Table":
    """One row for each run and step: genotype, seed, step, score (the deciding one), and every score by name.

    `advnas select --replay` reads it. A run that diverged has empty scores where it got no more.
    """
    import pyarrow as pa

    columns: dict[str, list[Any]] = {name: [] for name in ("genotype", "seed", "step", "score", *names)}
    for run in runs:
        for index, step in enumerate(steps):
            columns["genotype"].append(run.genotype)
            columns["seed"].append(run.seed)
            columns["step"].append(step)
            columns["score"].append(run.curve(metric, steps)[index])
            for name in names:
                columns[name].append(run.curve(name, steps)[index])
    return pa.table(columns)
