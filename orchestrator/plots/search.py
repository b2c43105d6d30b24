"""The course of a search as figures. Importing this module imports matplotlib."""

import io
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from orchestrator.plots.genotype import draw
from orchestrator.plots.genotype_layout import stroke_of
from orchestrator.plots.history import History
from search_space.space import SearchSpace
from search_space.topology import CellEdges

SYMBOLS = {"generator": "alpha", "discriminator": "beta"}
STRIP = -0.1
"""The position of the strip below the curves, in parts of their height."""
PANEL = 0.9
"""Width of an edge's panel, as a share of the distance to the next one."""
BELOW, ABOVE = 0.9, 1.0
"""Inches for the legend, and for the title above the names of the first row's edges."""


def preferences(history: History) -> bytes:
    """PNG: a row a cell, a panel an edge, a line an operation; the strip says which one wins, and when."""
    return _png(preferences_figure(history))


def preferences_figure(history: History) -> Figure:
    """The same as a figure."""
    cells = history.space.cells_of(history.network)
    height = 2.3 * len(cells) + BELOW + ABOVE - 0.5
    figure = Figure(figsize=(17, height), dpi=90)
    grid = figure.subplots(len(cells), 1, squeeze=False)
    # Constrained layout would take most of the time.
    figure.subplots_adjust(left=0.04, right=0.99, bottom=BELOW / height, top=1 - ABOVE / height, hspace=0.5)
    top = 1.05 * max(max(edge) for now in history.probabilities for cell in now for edge in cell)
    for cell in range(len(cells)):
        _draw_cell(grid[cell][0], history, cell, top)
    handles = [Patch(color=stroke_of(name).colour, label=name) for name in _operations(history.space, cells)]
    figure.legend(handles=handles, loc="lower center", ncols=12, fontsize=9, frameon=False)
    symbol, title = SYMBOLS[history.network], "strip: the operation that would be derived"
    figure.suptitle(f"{history.network}: softmax({symbol}) of every edge; {title}", y=1 - 0.1 / height)
    return figure


def convergence(histories: Sequence[History], gaps: Sequence[tuple[int, float]] = ()) -> bytes:
    """PNG: entropy of each searched network, edges that changed since the report before, and the gap."""
    figure = Figure(figsize=(9, 8 if gaps else 5.5), dpi=90)
    above, below, *lowest = figure.subplots(3 if gaps else 2, 1, sharex=True)
    for colour, history in zip(("#2171b5", "#d94801"), histories, strict=False):
        edges = sum(len(cell) for cell in history.space.cells_of(history.network))
        label = f"{SYMBOLS[history.network]} ({history.network})"
        above.plot(history.steps, history.entropies(), color=colour, marker=".", label=label)
        below.plot(
            history.steps,
            history.changes(),
            color=colour,
            marker=".",
            drawstyle="steps-mid",
            label=f"of {edges} edges of the {history.network}",
        )
    above.set(ylabel="entropy (1 undecided, 0 decided)", ylim=(0, 1.03), title="Has the search converged?")
    below.set(ylabel="edges that changed")
    below.set_ylim(bottom=0)
    for axes in lowest:
        axes.plot(*zip(*gaps, strict=True), color="#1a7f37", marker=".")
        axes.set(ylabel="duality gap")
        axes.grid(color="#eeeeee")
    (below, *lowest)[-1].set_xlabel("step")
    for axes in (above, below):
        axes.grid(color="#eeeeee")
        axes.legend(frameon=False, fontsize=9)
    return _png(figure)


def _draw_cell(axes: Axes, history: History, cell: int, top: float) -> None:
    """All edges side by side in one pair of axes: many pairs take seconds to draw."""
    edges = history.space.cells_of(history.network)[cell]
    first, last = history.steps[0], history.steps[-1]
    lines, colours, strips, strip_colours = [], [], [], []
    for index, edge in enumerate(edges):
        x = [index + PANEL * (step - first) / (last - first) for step in history.steps]
        curves = zip(*history.edge(cell, index), strict=True)
        for name, values in zip(history.space.names(edge.kind), curves, strict=True):
            lines.append(list(zip(x, values, strict=True)))
            colours.append(stroke_of(name).colour)
        names = [genotype.cells[cell][index] for genotype in history.genotypes]
        for start, end, name in zip(x, x[1:], names[1:], strict=False):
            strips.append([(start, STRIP * top), (end, STRIP * top)])
            strip_colours.append(stroke_of(name).colour)
        won = f"{names[-1]} since {history.settled_after(cell, index)}"
        # In two lines: names of operations are long, and the next panel is near.
        axes.text(index, top * 1.04, f"{edge.name}: {edge.source} → {edge.target}\n{won}", fontsize=9)
    axes.add_collection(LineCollection(lines, colors=colours, linewidths=1.5))
    axes.add_collection(LineCollection(strips, colors=strip_colours, linewidths=9, capstyle="butt"))
    ticks = [(index + at, step) for index in range(len(edges)) for at, step in ((0.0, first), (PANEL, last))]
    axes.set_xticks([x for x, _ in ticks], [str(step) for _, step in ticks], fontsize=8)
    axes.set(xlim=(-0.05, len(edges)), ylim=(1.8 * STRIP * top, top), ylabel=f"cell {cell + 1}")
    axes.set_yticks([tick for tick in (0, 0.25, 0.5, 0.75, 1) if tick <= top])
    axes.grid(axis="y", color="#eeeeee")
    axes.spines[["top", "right"]].set_visible(False)


def _operations(space: SearchSpace, cells: Sequence[CellEdges]) -> Sequence[str]:
    return list(dict.fromkeys(name for cell in cells for edge in cell for name in space.names(edge.kind)))


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


MOST_FRAMES = 40
"""The largest number of frames, chosen evenly. Each takes a third of a second to draw."""
DPI = 60
MILLISECONDS, LAST = 700, 3000
"""A frame is shown; the last one longer."""


def animation(history: History) -> bytes | None:
    """GIF of the genotypes, edges that changed marked with what they were before; None if none changed."""
    changed = [index for index, count in enumerate(history.changes()) if index == 0 or count]
    if len(changed) < 2:
        return None
    if len(changed) > MOST_FRAMES:
        stride = (len(changed) - 1) / (MOST_FRAMES - 1)
        changed = [changed[round(number * stride)] for number in range(MOST_FRAMES)]
    before = [None, *changed[:-1]]
    frames = [_frame(history, index, earlier) for index, earlier in zip(changed, before, strict=True)]
    file = io.BytesIO()
    durations = [*([MILLISECONDS] * (len(frames) - 1)), LAST]
    frames[0].save(file, format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return file.getvalue()


def _frame(history: History, index: int, before: int | None) -> Image.Image:
    figure = draw(history.genotypes[index], None if before is None else history.genotypes[before])
    figure.text(
        0.98, 0.95, f"step {history.steps[index]}", ha="right", va="top", fontsize=18, fontweight="bold"
    )
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    # One palette of few colours: the drawings have few, and files stay small.
    return Image.open(file).convert("RGB").quantize(64, dither=Image.Dither.NONE)
