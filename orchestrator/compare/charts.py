"""The figures of a comparison as SVG with text as text. Importing this module imports matplotlib."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from orchestrator.compare.format import count
from orchestrator.compare.groups import Group, Row, short
from orchestrator.jobs.scores import rank

BEST, APART, EQUAL = "#1a7f37", "#8c959f", "#bf8700"
"""Colours: the best; worse beyond noise; not to be told from the best, or unknown."""
LOG_FROM = 8.0
"""Ratio of the largest to the smallest score from which an axis is logarithmic."""
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "comparison",
    "font.size": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
}


def scores_chart(group: Group) -> str:
    """Draw every training as a dot, the mean as a bar with its deviation, best on top."""
    with matplotlib.rc_context(SETTINGS):
        return _svg(_scores_figure(group))


def scores_png(group: Group) -> bytes:
    """The figure of the scores as PNG."""
    file = io.BytesIO()
    with matplotlib.rc_context(SETTINGS):
        _scores_figure(group).savefig(file, format="png")
    return file.getvalue()


def _scores_figure(group: Group) -> Figure:
    rows = _scored(group)
    figure = Figure(figsize=(9.5, 0.8 + 0.36 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    for height, row in enumerate(reversed(rows)):
        colour = colour_of(row)
        axes.plot(row.values, [height] * len(row.values), "o", color=colour, alpha=0.55, ms=6, mew=0)
        axes.errorbar(
            _mean(row),
            height,
            xerr=row.deviation or 0.0,
            fmt="|",
            color=colour,
            ms=16,
            mew=2.5,
            capsize=4,
        )
    axes.set_yticks(range(len(rows)), [_label(row) for row in reversed(rows)])
    axes.set_ylim(-0.5, max(len(rows), 1) - 0.5)  # marks are taller than the margins of matplotlib
    axes.set_xlabel(f"{group.metric} ({'lower' if group.lower_is_better else 'higher'} is better)")
    axes.grid(axis="x", color="#eeeeee")
    if rows:
        axes.axvline(_mean(rows[0]), color=BEST, lw=0.8, ls=":")
        _scale(axes.set_xscale, [value for row in rows for value in row.values])
    return figure


def curves_chart(group: Group) -> str | None:
    """The deciding score over training steps, a line a training; None where there is one point each."""
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(9.5, 4), layout="constrained")
        axes = figure.add_subplot()
        lines = [_draw_curves(axes, group, row, index) for index, row in enumerate(group.rows)]
        if not any(lines):
            return None
        axes.set(xlabel="training steps", ylabel=group.metric)
        axes.grid(color="#eeeeee")
        _scale(
            axes.set_yscale,
            [value for row in group.rows for curve in _curves(group, row) for _, value in curve],
        )
        axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        return _svg(figure)


def pareto_chart(group: Group) -> str:
    """Score against size; the line joins those that no other beats in both."""
    rows = _scored(group)
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(9.5, 4), layout="constrained")
        axes = figure.add_subplot()
        for row in rows:
            size, colour = row.candidate.parameters, colour_of(row)
            axes.errorbar(
                size, _mean(row), yerr=row.deviation or 0.0, fmt="o", color=colour, capsize=3, elinewidth=0.8
            )
            axes.annotate(
                _label(row, 26),
                (size, _mean(row)),
                xytext=(6, 3),
                textcoords="offset points",
                fontsize=8,
            )
        front = sorted(pareto_front(group), key=lambda row: row.candidate.parameters)
        axes.step(
            [row.candidate.parameters for row in front],
            [_mean(row) for row in front],
            where="post",
            color=BEST,
            lw=1,
            ls="--",
        )
        axes.set(xlabel="parameters of the generator", ylabel=group.metric)
        axes.xaxis.set_major_formatter(lambda value, _: count(int(value)))
        axes.margins(x=0.12)
        axes.grid(color="#eeeeee")
        _scale(axes.set_yscale, [_mean(row) for row in rows])
        return _svg(figure)


def pareto_front(group: Group) -> list[Row]:
    """Rows that no other beats in score or size without losing in the other."""
    costs = {
        id(row): (rank(row.mean or 0.0, group.lower_is_better), row.candidate.parameters)
        for row in _scored(group)
    }

    def is_beaten(row: Row) -> bool:
        own = costs[id(row)]
        return any(other != own and other[0] <= own[0] and other[1] <= own[1] for other in costs.values())

    return [row for row in _scored(group) if not is_beaten(row)]


def colour_of(row: Row) -> str:
    """By what is known of its distance to the best."""
    return BEST if row.behind is None else APART if row.is_apart else EQUAL


def _draw_curves(axes: Axes, group: Group, row: Row, index: int) -> bool:
    curves = _curves(group, row)
    for number, curve in enumerate(curves):
        label = _label(row, 30) if number == 0 else "_"
        axes.plot(*zip(*curve, strict=True), color=f"C{index % 10}", lw=1.2, marker=".", ms=4, label=label)
    return bool(curves)


def _curves(group: Group, row: Row) -> list[Sequence[tuple[int, float]]]:
    curves = [training.curves.get(group.metric, ()) for training in row.candidate.trainings]
    return [curve for curve in curves if len(curve) > 1]


def _label(row: Row, *length: int) -> str:
    """The name as it is: between dollars, matplotlib would read it as a formula."""
    return short(row.candidate.name, *length).replace("$", r"\$")


def _mean(row: Row) -> float:
    assert row.mean is not None, "rows without a score are not drawn"
    return row.mean


def _scored(group: Group) -> list[Row]:
    return [row for row in group.rows if row.mean is not None]


def _scale(set_scale: Callable[[str], object], values: Sequence[float]) -> None:
    if min(values) > 0 and max(values) / min(values) > LOG_FROM:
        set_scale("log")


def _svg(figure: Figure) -> str:
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
