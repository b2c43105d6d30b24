"""What a drawing of a genotype consists of: nodes, arrows and labels."""

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path as Outline

from orchestrator.plots.genotype_layout import INCHES, NODE_RADIUS, Point, Stroke

INK = "#222222"


def draw_node(axes: Axes, at: Point, text: str, gid: str, ink: str = INK) -> None:
    """A circle with a text in it."""
    circle = axes.add_patch(Circle(at, NODE_RADIUS, fc="white", ec=ink, lw=1.4))
    circle.set(zorder=3, gid=gid)
    axes.text(*at, text, fontsize=9, ha="center", va="center", color=ink, zorder=4)


def draw_label(axes: Axes, at: Point, text: str, colour: str, gid: str, width: float = 0.8) -> None:
    """A text in a box; nothing for no text."""
    if text:
        box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": colour, "lw": width}
        label = axes.text(*at, text, fontsize=8, ha="center", va="center", bbox=box, linespacing=1.3)
        label.set(zorder=4, gid=gid)


def arrow(start: Point, end: Point, stroke: Stroke, bow: float = 0.0, style: str = "-|>") -> FancyArrowPatch:
    """From the rim of one node to that of another."""
    gap = NODE_RADIUS * INCHES * 72
    return FancyArrowPatch(
        start,
        end,
        connectionstyle=f"arc3,rad={-bow}",
        arrowstyle=style,
        mutation_scale=13,
        shrinkA=gap,
        shrinkB=gap,
        color=stroke.colour,
        linewidth=stroke.width,
        linestyle=stroke.dashes,
    )


def arrow_along(corners: tuple[Point, ...], stroke: Stroke, style: str = "-|>") -> FancyArrowPatch:
    """From the first corner to the last."""
    return FancyArrowPatch(
        path=Outline(corners),
        arrowstyle=style,
        mutation_scale=11,
        facecolor=stroke.colour if style != "-" else "none",
        edgecolor=stroke.colour,
        linewidth=stroke.width,
        linestyle=stroke.dashes,
    )


def over(corners: tuple[Point, ...]) -> Point:
    """The middle of the second of three pieces."""
    return (corners[1][0] + corners[2][0]) / 2, corners[1][1]
