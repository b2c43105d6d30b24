"""Figures of a reliability measurement: how well two seeds agree, and from which step on.

Importing this module imports matplotlib.

Shapes: G genotypes, T steps.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation, LogLocator, StrMethodFormatter

BLUE, ORANGE, GREY = "#2171b5", "#d94801", "#969696"


@dataclass(frozen=True)
class Agreement:
    """The values that the figure shows."""

    metric: str
    ends: Sequence[tuple[float, float]]
    """The final scores of the first two seeds, [G] each."""
    factor: float
    """Ratio that one run of each of two genotypes shows."""
    steps: Sequence[int]
    other_seed: Sequence[float]
    """The correlation of each step with another seed's end, [T]."""
    same_seed: Sequence[float]
    """The correlation with the run's own end, [T]."""
    title: str


def agreement(shown: Agreement) -> bytes:
    """PNG: the final scores of one seed against another's, and how each step ranks the end."""
    figure = Figure(figsize=(12, 5.2), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2)
    _seeds(left, shown)
    _steps(right, shown)
    figure.suptitle(shown.title)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _seeds(axes: Axes, shown: Agreement) -> None:
    first, second = zip(*shown.ends, strict=True)
    low, high = 0.85 * min(*first, *second), 1.18 * max(*first, *second)
    ends = [low, high]
    band = [each / shown.factor for each in ends], [each * shown.factor for each in ends]
    label = f"within a factor of {shown.factor:.2f}: one run of each shows no difference"
    axes.fill_between(ends, *band, color=GREY, alpha=0.15, linewidth=0, label=label)
    axes.plot(ends, ends, color=GREY, linewidth=1)
    axes.scatter(first, second, color=BLUE, s=28, zorder=3, label="a genotype")
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
    axes.set(xlabel=f"{shown.metric}, first seed", ylabel=f"{shown.metric}, second seed")
    axes.set_title("The end of the training, two seeds of each genotype")
    for axis in (axes.xaxis, axes.yaxis):
        _plain(axis, high / low)
    # Below the axes, where it hides no genotype.
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, fontsize=8, frameon=False)


def _plain(axis: object, ratio: float) -> None:
    """Plain numbers at 1, 2 and 5 of each decade, unless there are many decades."""
    wide = ratio > 1e4
    axis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))  # type: ignore[attr-defined]
    axis.set_major_formatter(LogFormatterSciNotation() if wide else StrMethodFormatter("{x:g}"))  # type: ignore[attr-defined]
    axis.set_minor_formatter("")  # type: ignore[attr-defined]


def _steps(axes: Axes, shown: Agreement) -> None:
    axes.axhline(0, color=GREY, linewidth=1)
    same = "with the end of the same run (optimistic: its luck counts)"
    axes.plot(shown.steps, shown.same_seed, color=ORANGE, marker=".", linestyle="--", linewidth=1, label=same)
    axes.plot(shown.steps, shown.other_seed, color=BLUE, marker="o", label="with the end of another seed")
    axes.set(xlabel="step", ylabel="rank correlation of the scores at a step")
    axes.set_ylim(min(-0.2, *shown.other_seed, *shown.same_seed) - 0.05, 1.05)
    axes.set_title("How early do scores rank genotypes?")
    axes.legend(loc="lower right", fontsize=8)
