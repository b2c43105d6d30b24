"""A comparison as tables on a terminal, with the verdict first."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator.compare.candidate import Candidate
from orchestrator.compare.format import count, hours, published_in_words, scale_in_words, title_of
from orchestrator.compare.groups import Group, Row, best_in_words, lead_in_words, mean_in_words, verdict

if TYPE_CHECKING:
    from rich.console import RenderableType

SEPARATE = "not ranked together: their scores mean different things, or their trainings differ in length"


def tables(groups: Sequence[Group], everyone: Sequence[Candidate]) -> "list[RenderableType]":
    """One table per group, then the candidates without scores of ours."""
    from rich.text import Text

    shown: list[RenderableType] = []
    if len(groups) > 1:
        shown.append(
            Text(
                f"{len(groups)} groups, {SEPARATE}",
                style="bold",
            )
        )
    for group in groups:
        shown += [
            _table(group),
            *(Text(line) for line in verdict(group)),
            Text(scale_in_words(group), style="dim"),
            Text(""),
        ]
    if unscored := [each for each in everyone if not (each.trainings and each.metrics)]:
        shown.append(_unscored(unscored))
    return shown


def _table(group: Group) -> "RenderableType":
    from rich.table import Table

    table = Table(title=title_of(group), title_justify="left", title_style="bold")
    for column in ("", "architecture"):
        table.add_column(column, overflow="fold")
    for column in (
        "last",
        "best",
        "behind the best by",
        "steps",
        "parameters",
        "multiply-adds",
        "hours",
    ):
        table.add_column(column, justify="right")
    for row in group.rows:
        table.add_row(
            *_cells(row, group.metric), style="bold" if row.place == 1 and row.mean is not None else ""
        )
    return table


def _cells(row: Row, metric: str) -> tuple[str, ...]:
    each = row.candidate
    lost = f", {row.diverged} without" if row.diverged else ""
    steps = "-" if each.steps is None else str(each.steps)
    name = f"{each.name}  {each.genotype.content_hash}"
    cost = (steps, count(each.parameters), count(each.multiply_adds), hours(each))
    return (
        str(row.place),
        name,
        mean_in_words(row) + lost,
        best_in_words(row, metric),
        lead_in_words(row),
        *cost,
    )


def _unscored(candidates: Sequence[Candidate]) -> "RenderableType":
    from rich.table import Table

    table = Table(
        title="Without scores of yours: published scores, sizes at published widths",
        title_justify="left",
        caption="`advnas retrain CONFIG --retrain.genotype NAME --name NEW` trains and scores one of them.",
        caption_justify="left",
    )
    for column, justify in (
        ("architecture", "left"),
        ("parameters", "right"),
        ("multiply-adds", "right"),
        ("published", "left"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for each in candidates:
        name = f"{each.name}  {each.genotype.content_hash}"
        published = "\n".join(map(published_in_words, each.published)) or "-"
        table.add_row(name, count(each.parameters), count(each.multiply_adds), published)
    return table
