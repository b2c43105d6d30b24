"""Drawings of cells whose genes act on whole blocks: a list instead of a graph."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from orchestrator.plots.genotype_layout import CELL_PITCH, CELL_WIDTH, HALO
from search_space.topology import CellEdges

TOP, STEP = 0.75, 0.42
"""Height of the first gene, and how much lower each next one stands."""


def draw_genes(axes: Axes, cell: int, genes: CellEdges, names: Sequence[str], others: Sequence[str]) -> None:
    """Draw every gene with its choice and, if the other genotype differs, that one's choice."""
    middle = cell * CELL_PITCH + CELL_WIDTH / 2
    for row, (gene, name, other) in enumerate(zip(genes, names, others, strict=True)):
        y, place = TOP - STEP * row, f"cell{cell + 1}-{gene.name}"
        axes.text(middle - 0.15, y, gene.name, fontsize=10, color="#777777", ha="right", va="center")
        box = {"boxstyle": "round,pad=0.2", "fc": "white", "ec": "#222222", "lw": 0.8}
        if other != name:
            box |= {"ec": HALO.colour, "lw": 3}
        text = name if other == name else f"{name}  ≠ {other}"
        label = axes.text(middle + 0.05, y, text, fontsize=10, ha="left", va="center", bbox=box)
        label.set(zorder=4, gid=f"{place}-label")
