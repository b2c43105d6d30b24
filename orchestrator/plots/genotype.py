"""Drawings of genotypes. Importing this module imports matplotlib: do so where a drawing is made."""

from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch

from orchestrator.plots.genotype_genes import draw_genes
from orchestrator.plots.genotype_layout import (
    CELL_PITCH,
    CELL_WIDTH,
    CHAIN,
    CROSS_CELL,
    HALO,
    INCHES,
    NODES,
    STROKES,
    bend_of,
    label_at,
    node_at,
    skip_route,
    stroke_of,
)
from orchestrator.plots.genotype_marks import arrow, arrow_along, draw_label, draw_node, over
from search_space.genotype import Genotype, GenotypeError
from search_space.space import SearchSpace
from search_space.spaces.registry import find_space
from search_space.topology import NONE, CellEdges, Edge, Network

DPI = 100
MARGIN = 1.2
BOTTOM = -2.0
TOP: dict[Network, float] = {"generator": 2.75, "discriminator": 2.05}
ENDS: dict[Network, tuple[str, str]] = {"generator": ("z", "image"), "discriminator": ("image", "score")}


def draw(genotype: Genotype, highlight: Genotype | None = None) -> Figure:
    """The cells side by side as graphs, every edge with its primitive; genes of blocks as `draw_genes` does.

    Edges on which `highlight` differs get a halo and, after ≠, the primitive it has there.

    Raises:
        GenotypeError: `highlight` is of the other network, or of another space.
    """
    network, space = genotype.network, find_space(genotype.space)
    cells = space.cells_of(network)
    if highlight is not None and (highlight.network, highlight.space) != (network, genotype.space):
        raise GenotypeError(_incomparable(genotype, highlight))
    figure, axes = _canvas(network, len(cells))
    _draw_title(axes, genotype, highlight)
    _draw_chain(axes, network, len(cells))
    for cell, (edges, names) in enumerate(zip(cells, genotype.cells, strict=True)):
        _draw_frame(axes, cell)
        others = highlight.cells[cell] if highlight else names
        if space.output_node is None:
            draw_genes(axes, cell, edges, names, others)
            continue
        for edge, name, other in zip(edges, names, others, strict=True):
            _draw_edge(axes, network, cell, edge, name, other)
        _draw_nodes(axes, network, cell, edges, names)
    if network == "generator":
        _draw_cross_cell_skips(axes, space)
    _draw_legend(axes, genotype, highlight)
    return figure


def _incomparable(genotype: Genotype, highlight: Genotype) -> str:
    if genotype.network != highlight.network:
        return f"a {genotype.network} cannot be compared with a {highlight.network}; give two of one kind"
    return (
        f"a genotype of the space {genotype.space} cannot be compared with one of {highlight.space}; give "
        "two of one space"
    )


def save_drawing(genotype: Genotype, path: Path, highlight: Genotype | None = None) -> None:
    """Draw into a .png (100 dpi) or .svg; the same genotype gives the same bytes.

    Raises:
        GenotypeError: another suffix.
    """
    if path.suffix not in (".png", ".svg"):
        raise GenotypeError(f"{path}: unknown suffix {path.suffix!r}; a drawing ends in .png or .svg")
    metadata = {"Date": None} if path.suffix == ".svg" else {}
    with matplotlib.rc_context({"svg.hashsalt": "genotype"}):
        draw(genotype, highlight).savefig(path, dpi=DPI, metadata=metadata)


def _canvas(network: Network, cells: int) -> tuple[Figure, Axes]:
    """A figure whose one unit of data is `INCHES` on paper."""
    left, right = -MARGIN, (cells - 1) * CELL_PITCH + CELL_WIDTH + MARGIN
    bottom, top = BOTTOM, TOP[network]
    figure = Figure(figsize=((right - left) * INCHES, (top - bottom) * INCHES), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(left, right), ylim=(bottom, top))
    return figure, axes


def _draw_title(axes: Axes, genotype: Genotype, highlight: Genotype | None) -> None:
    title = f"{genotype.network}  {genotype.content_hash}"
    if highlight is not None:
        title += f"  compared with {highlight.content_hash}"
    top = TOP[genotype.network] - 0.3
    axes.text(-MARGIN + 0.3, top, title, fontsize=14, fontweight="bold", va="center")


def _draw_frame(axes: Axes, cell: int) -> None:
    x = cell * CELL_PITCH
    frame = FancyBboxPatch(
        (x - 0.22, -1.3),
        CELL_WIDTH + 0.44,
        2.65,
        boxstyle="round,pad=0,rounding_size=0.12",
        fc="#f7f7f7",
        ec="#dddddd",
    )
    axes.add_patch(frame).set_zorder(0)
    axes.text(x - 0.1, 1.17, f"cell {cell + 1}", fontsize=10, color="#555555", va="center")


def _draw_chain(axes: Axes, network: Network, cells: int) -> None:
    """Input, from each cell into the next, output."""
    output = len(NODES[network]) - 1
    first, last = node_at(network, 0, 0), node_at(network, cells - 1, output)
    before, after = (first[0] - 0.65, 0.0), (last[0] + 0.65, 0.0)
    for text, (x, y), side in zip(ENDS[network], (before, after), ("right", "left"), strict=True):
        axes.text(x, y, text, fontsize=10, ha=side, va="center")
    outputs = [before, *(node_at(network, cell, output) for cell in range(cells))]
    inputs = [*(node_at(network, cell, 0) for cell in range(cells)), after]
    for start, end in zip(outputs, inputs, strict=True):
        axes.add_patch(arrow(start, end, CHAIN)).set_zorder(1)


def _draw_edge(axes: Axes, network: Network, cell: int, edge: Edge, name: str, other: str) -> None:
    if edge.source_cell is not None:
        _draw_skip_edge(axes, cell, edge, name, other)
        return
    start, end = (node_at(network, cell, node) for node in (edge.source, edge.target))
    bow, place = bend_of(network, edge).bow, f"cell{cell + 1}-{edge.name}"
    text = "" if name == NONE else name
    if other != name:
        axes.add_patch(arrow(start, end, HALO, bow, style="-")).set(zorder=1, gid=f"{place}-halo")
        text = f"{name}\n≠ {other}"
    axes.add_patch(arrow(start, end, stroke_of(name), bow)).set(zorder=2, gid=place)
    draw_label(axes, label_at(network, cell, edge), text, stroke_of(name).colour, f"{place}-label")


def _draw_skip_edge(axes: Axes, cell: int, edge: Edge, name: str, other: str) -> None:
    """A searched edge from an earlier cell, led over the cells."""
    assert edge.source_cell is not None
    corners = skip_route((edge.source_cell, edge.source), (cell, edge.target))
    place = f"cell{cell + 1}-{edge.name}"
    axes.add_patch(arrow_along(corners, stroke_of(name))).set(zorder=2, gid=place)
    text = name if other == name else f"{name}\n≠ {other}"
    draw_label(axes, over(corners), text, stroke_of(name).colour, f"{place}-label")


def _draw_nodes(axes: Axes, network: Network, cell: int, edges: CellEdges, names: tuple[str, ...]) -> None:
    """Numbered; a node that no used edge touches is pale."""
    used_edges = [edge for edge, name in zip(edges, names, strict=True) if name != NONE]
    used = {node for edge in used_edges for node in (edge.source, edge.target)}
    for node in range(max(edge.target for edge in edges) + 1):
        at, ink = node_at(network, cell, node), "#222222" if node in used else "#bbbbbb"
        draw_node(axes, at, str(node), f"cell{cell + 1}-node{node}", ink)


def _draw_cross_cell_skips(axes: Axes, space: SearchSpace) -> None:
    for target, skips in enumerate(space.skip_ins):
        for skip in skips:
            assert space.skip_node is not None
            corners, place = (
                skip_route((skip.source_cell, space.skip_node), (target, space.skip_node)),
                f"skip{skip.source_cell + 1}-{target + 1}",
            )
            axes.add_patch(arrow_along(corners, CROSS_CELL)).set(zorder=1, gid=place)
            draw_label(axes, over(corners), f"{skip.resize}, conv_1x1", CROSS_CELL.colour, f"{place}-label")


def _draw_legend(axes: Axes, genotype: Genotype, highlight: Genotype | None) -> None:
    space = find_space(genotype.space)
    # What genes choose is written beside them.
    used = {name for cell in genotype.cells for name in cell} if space.output_node is not None else set()
    entries = {name: stroke_of(name) for name in (*STROKES, *sorted(used - STROKES.keys())) if name in used}
    if genotype.network == "generator" and space.skip_ins:
        entries["fixed skip between cells"] = CROSS_CELL
    if highlight is not None:
        entries["differs (≠ the other)"] = HALO
    handles = [
        Line2D([], [], color=stroke.colour, linewidth=stroke.width, linestyle=stroke.dashes, label=label)
        for label, stroke in entries.items()
    ]
    if not handles:
        return
    columns = len(handles) if len(handles) <= 7 else (len(handles) + 1) // 2
    axes.legend(handles=handles, loc="lower center", ncols=columns, fontsize=9, frameon=False, handlelength=3)
