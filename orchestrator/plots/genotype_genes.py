"""Drawings of cells whose genes act on whole blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from orchestrator.plots.genotype_layout import (
    CELL_PITCH,
    CELL_WIDTH,
    CHAIN,
    HALO,
    NODE_RADIUS,
    Point,
    route,
    stroke_of,
)
from orchestrator.plots.genotype_marks import INK, arrow, arrow_along, draw_label, draw_node, over
from search_space.networks.config import AUTOGAN_SKIPS
from search_space.topology import NONE, CellEdges

OF_AUTOGAN = {"conv", "norm", "up", "short"}
"""The genes of a cell that is drawn as AutoGAN's; others are listed."""
TOP, STEP = 0.75, 0.42
"""Height of the first listed gene, and how much lower each next one stands."""
BLOCKS, SUMS = (0.8, 2.4), (1.6, CELL_WIDTH)
"""Where the two blocks of a cell stand, and the sums behind them."""
WIDTH, HALF, ROW = 0.96, 0.74, 0.36
"""Width and half the height of a block, and the distance between its operations."""
ABOVE, UNDER = 1.02, -1.02
"""Height of the order's label, and of the shortcut."""
FORMS = {"norm": "{} norm"}
FIXED = "#777777"


@dataclass(frozen=True)
class _Gene:
    name: str
    other: str
    """The choice of the genotype that this one is compared with."""

    def words(self, form: str = "{}") -> str:
        text = form.format(self.name)
        return text if self.other == self.name else f"{text}\n≠ {self.other}"

    def label(self, axes: Axes, at: Point, form: str, place: str) -> None:
        colour, width = (INK, 0.8) if self.other == self.name else (HALO.colour, 3.0)
        draw_label(axes, at, self.words(form), colour, f"{place}-label", width)


def draw_genes(axes: Axes, cell: int, genes: CellEdges, names: Sequence[str], others: Sequence[str]) -> None:
    """Draw a cell with every choice and, where the other genotype differs, that one's choice.

    AutoGAN's cell is drawn as it computes; for genes of other names there is a list.
    """
    found = {gene.name: _Gene(name, other) for gene, name, other in zip(genes, names, others, strict=True)}
    if found.keys() - {"skips"} == OF_AUTOGAN:
        _draw_cell(axes, cell, found)
    else:
        _list(axes, cell, found)


def _list(axes: Axes, cell: int, genes: Mapping[str, _Gene]) -> None:
    middle = cell * CELL_PITCH + CELL_WIDTH / 2
    for row, (name, gene) in enumerate(genes.items()):
        y = TOP - STEP * row
        axes.text(middle - 0.4, y, name, fontsize=10, color=FIXED, ha="right", va="center")
        gene.label(axes, (middle + 0.3, y), "{}", _at(cell, name))


def _draw_cell(axes: Axes, cell: int, genes: Mapping[str, _Gene]) -> None:
    """Block, sum with skips, block, sum with the shortcut."""
    left, up = cell * CELL_PITCH, genes["up"].name
    joins = [(left + x, 0.0) for x in (0.0, *SUMS)]
    for before, x, after in zip(joins, BLOCKS, joins[1:], strict=False):
        axes.add_patch(arrow(before, (left + x - WIDTH / 2 + NODE_RADIUS, 0.0), CHAIN)).set_zorder(1)
        axes.add_patch(arrow((left + x + WIDTH / 2 - NODE_RADIUS, 0.0), after, CHAIN)).set_zorder(1)
        _draw_block(axes, cell, left + x, genes, enlarges=x == BLOCKS[0])
    skips = genes.get("skips", _Gene(NONE, NONE))
    mine, theirs = (AUTOGAN_SKIPS[choice] for choice in (skips.name, skips.other))
    for source in {*mine, *theirs}:
        edge = _Gene(*("conv_1x1" if source in each else NONE for each in (mine, theirs)))
        corners = route((source * CELL_PITCH + SUMS[0], 0.0), joins[1], cell - source)
        _draw_carried(axes, corners, edge, up, _at(cell, f"skip{source + 1}"))
    (start, _), _, (end, _) = joins
    corners = ((start, -NODE_RADIUS), (start, UNDER), (end, UNDER), (end, -NODE_RADIUS))
    _draw_carried(axes, corners, genes["short"], up, _at(cell, "short"))
    sums = ("", "+" if mine else "", "+" if genes["short"].name != NONE else "")
    for number, (at, text) in enumerate(zip(joins, sums, strict=True)):
        draw_node(axes, at, text, _at(cell, f"node{number}"))


def _draw_block(axes: Axes, cell: int, x: float, genes: Mapping[str, _Gene], *, enlarges: bool) -> None:
    """A column of operations, the first on top; in the first block, choices have a frame."""
    frame = FancyBboxPatch(
        (x - WIDTH / 2, -HALF), WIDTH, 2 * HALF, boxstyle="round,pad=0,rounding_size=0.08", fc="white", ec=INK
    )
    axes.add_patch(frame).set_zorder(2)
    if enlarges:
        genes["conv"].label(axes, (x, ABOVE), "{}-activation", _at(cell, "conv"))
    rows = _operations(genes["conv"].name, enlarges=enlarges)
    for row, name in enumerate(rows):
        at = (x, ROW * ((len(rows) - 1) / 2 - row))
        form = "no norm" if (name, genes["norm"].name) == ("norm", NONE) else FORMS.get(name, "{}")
        if name in genes and enlarges:
            genes[name].label(axes, at, form, _at(cell, name))
        else:
            text = form.format(genes[name].name if name in genes else name)
            axes.text(*at, text, fontsize=8, ha="center", va="center", color=FIXED, zorder=4)


def _operations(order: str, *, enlarges: bool) -> tuple[str, ...]:
    """Genes and fixed operations of a block, in the order in which it computes them."""
    convolution = ("up", "conv_3x3") if enlarges else ("conv_3x3",)
    return ("norm", "ReLU", *convolution) if order == "pre" else (*convolution, "norm", "ReLU")


def _draw_carried(axes: Axes, corners: tuple[Point, ...], gene: _Gene, up: str, place: str) -> None:
    """A map that is enlarged, convolved and added; nothing if neither genotype does so."""
    if gene.name == gene.other == NONE:
        return
    if gene.other != gene.name:
        axes.add_patch(arrow_along(corners, HALO, "-")).set(zorder=1, gid=f"{place}-halo")
    stroke = stroke_of(gene.name)
    axes.add_patch(arrow_along(corners, stroke)).set(zorder=2, gid=place)
    text = gene.words("{}" if gene.name == NONE else f"{up}, {{}}")
    draw_label(axes, over(corners), text, stroke.colour, f"{place}-label")


def _at(cell: int, name: str) -> str:
    return f"cell{cell + 1}-{name}"
