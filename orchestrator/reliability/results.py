"""The results of a measurement: metrics, scores, figures, a drawing.

Shapes: G genotypes, K seeds, T steps.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from orchestrator.reliability.plan import Plan
from orchestrator.trainings.runs import EndedRun, Key, table_of
from orchestrator.yardstick.known import FIGURES_FILE
from orchestrator.yardstick.measured import Measured
from trainers.metrics.specs import score_names

if TYPE_CHECKING:
    from orchestrator.plots.reliability import Agreement


FILES = {"scores": "reliability.parquet", "figures": FIGURES_FILE, "drawing": "reliability.png"}
"""What they are called in results -> in the folder of the measurement."""


def summary(measured: Measured) -> dict[str, float]:
    """What MLflow keeps as metrics."""
    estimates = {"seed_correlation": measured.correlation, "intraclass_correlation": measured.intraclass}
    bounds = {
        f"{name}{suffix}": value
        for name, estimate in estimates.items()
        for suffix, value in zip(("", "_low", "_high"), estimate, strict=True)
    }
    factors = {f"smallest_factor_{seeds}_seeds": factor for seeds, factor in measured.factors.items()}
    others = {"collapsed": measured.collapsed, "deviation": measured.deviation}
    return {**bounds, **others, **factors, "telling_step": float(measured.telling_step)}


def write_files(
    plan: Plan, runs: Mapping[Key, EndedRun], measured: Measured, curves: Float64[np.ndarray, "G K T"]
) -> dict[str, Path]:
    """All scores, all figures, and the drawing."""
    import pyarrow.parquet as pq

    from orchestrator.plots.reliability import agreement

    files = {name: plan.folder / file for name, file in FILES.items()}
    names = [name for name in score_names(plan.experiment.retrain.evaluation) if name != "score"]
    asked = [runs[run.request[:2]] for run in plan.grid.runs()]
    pq.write_table(table_of(asked, names, measured.metric, plan.steps), files["scores"])
    files["figures"].write_text(measured.model_dump_json(indent=2), encoding="utf-8")
    files["drawing"].write_bytes(agreement(_shown(measured, curves)))
    return files


def _shown(measured: Measured, curves: Float64[np.ndarray, "G K T"]) -> "Agreement":
    """What the drawing shows of the genotypes whose runs all have scores."""
    from orchestrator.plots.reliability import Agreement

    ends = curves[np.isfinite(curves).all(axis=(1, 2))][:, :2, -1]
    value, low, high = measured.correlation
    agree = f"two seeds agree by {value:.2f} ({low:.2f} to {high:.2f}, rank correlation)"
    return Agreement(
        metric=measured.metric,
        ends=[(float(first), float(second)) for first, second in ends],
        factor=measured.factors[1],
        steps=measured.steps,
        other_seed=measured.other_seed,
        same_seed=measured.same_seed,
        title=f"{measured.complete} random genotypes, {measured.seeds} seeds: {agree}",
    )
