"""The candidates of an evolution: score against size. Importing this module imports matplotlib."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#2171b5", "#d94801", "#969696"


@dataclass(frozen=True)
class DrawnCandidate:
    """A candidate with a score."""

    parameters: int
    fitness: float
    random: bool
    """Whether it belongs to the first population."""
    on_front: bool
    """Whether no other candidate is better and no larger."""
    chosen: int | None
    """Its place among those that continue, from 1; None if it does not."""


def pareto(candidates: Sequence[DrawnCandidate], title: str, limit: int | None = None) -> bytes:
    """PNG: fitness against parameters, the front of the two, who goes on; `limit` is one of parameters."""
    figure = Figure(figsize=(9, 6), dpi=100, layout="constrained")
    axes = figure.subplots()
    for random, colour, label in ((True, GREY, "drawn at random"), (False, BLUE, "bred")):
        group = [each for each in candidates if each.random == random]
        points = [each.parameters for each in group], [each.fitness for each in group]
        axes.scatter(*points, color=colour, s=22, alpha=0.8, label=f"{label}: {len(group)}")
    front = sorted((each for each in candidates if each.on_front), key=lambda each: each.parameters)
    points = [each.parameters for each in front], [each.fitness for each in front]
    axes.plot(*points, color=ORANGE, drawstyle="steps-post", label="nobody is better and no larger")
    chosen = [each for each in candidates if each.chosen is not None]
    points = [each.parameters for each in chosen], [each.fitness for each in chosen]
    axes.scatter(*points, s=130, facecolors="none", edgecolors="black", label="goes on to a selection")
    for each in chosen:
        place = (each.parameters, each.fitness)
        axes.annotate(f"{each.chosen}", place, (7, 7), textcoords="offset points", fontsize=9)
    if limit is not None:
        axes.axvline(limit, color=ORANGE, linestyle=":", label=f"limit: {limit:,}")
    axes.set(xlabel="parameters of the generator", ylabel="fitness, standardised (lower is better)")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_title(title)
    axes.grid(color="#eeeeee")
    axes.legend(fontsize=8, frameon=False)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
