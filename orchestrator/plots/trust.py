"""Drawings of how inherited scores rank real trainings. Importing this module imports matplotlib.

Shapes: G genotypes, K seeds.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#2171b5", "#d94801", "#969696"

Interval = tuple[float, float, float]
"""A value and the ends of its 95 % interval."""


@dataclass(frozen=True)
class TrustFigure:
    """The values that the figure shows."""

    inherited: Float64[np.ndarray, " G"]
    """Standardised inherited scores; lower is better."""
    trained: Float64[np.ndarray, "G K"]
    """Logarithms of scores at the end of training; lower is better."""
    metric: str
    rows: Sequence[tuple[str, Interval]]
    """Name of a ranking -> its correlation with the trainings."""
    title: str


def trust(shown: TrustFigure) -> bytes:
    """PNG: inherited scores against real trainings, and how well each supernet ranks them."""
    figure = Figure(figsize=(12, 5), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _scores(left, shown)
    _correlations(right, shown.rows)
    figure.suptitle(shown.title, fontsize=11)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _scores(axes: Axes, shown: TrustFigure) -> None:
    finite = np.abs(shown.trained).max(axis=1) < 100
    finite &= np.abs(shown.inherited) < 100
    x, ends = shown.inherited[finite], shown.trained[finite]
    axes.vlines(x, ends.min(axis=1), ends.max(axis=1), color=GREY, linewidth=1.2, label="its seeds")
    axes.scatter(x, ends.mean(axis=1), color=BLUE, s=28, zorder=3, label="a genotype, mean of its seeds")
    left_out = len(finite) - int(finite.sum())
    note = f"; {left_out} without a score left out" if left_out else ""
    axes.set(xlabel="inherited score, standardised (lower is better)")
    axes.set(ylabel=f"logarithm of {shown.metric} after a real training (lower is better)")
    axes.set_title(f"Does the supernet know?{note}")
    axes.grid(color="#eeeeee")
    # Below the axes, where it hides no genotype.
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, fontsize=8, frameon=False)


def _correlations(axes: Axes, rows: Sequence[tuple[str, Interval]]) -> None:
    for place, (name, (value, low, high)) in enumerate(reversed(rows)):
        colour = ORANGE if name.startswith("all") else BLUE if name.startswith("supernet") else GREY
        axes.plot([low, high], [place, place], color=colour, linewidth=2)
        axes.plot(value, place, marker="o", color=colour)
        axes.annotate(f"{value:.2f}", (value, place), (0, 7), textcoords="offset points", ha="center")
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(range(len(rows)), [name for name, _ in reversed(rows)])
    axes.set(xlim=(-1.02, 1.02), ylim=(-0.6, len(rows) - 0.3), xlabel="rank correlation, 95 % interval")
    axes.set_title("What ranks the real trainings, and how well")
    axes.grid(axis="x", color="#eeeeee")
    axes.spines[["top", "right"]].set_visible(False)
