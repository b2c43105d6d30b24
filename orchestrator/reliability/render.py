"""A measurement as a table for the terminal."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from orchestrator.yardstick.measured import Measured
from orchestrator.yardstick.statistics import Estimate

if TYPE_CHECKING:
    from rich.console import RenderableType


def render(measured: Measured, changes: Sequence[str]) -> "RenderableType":
    """The figures, what follows from them, and what to change."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    title = f"Reliability of {measured.metric}: {measured.genotypes} genotypes, {measured.seeds} seeds each"
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False
    )
    for heading in ("", "value", "95 % interval"):
        table.add_column(heading, justify="left")
    for row in rows(measured):
        table.add_row(*map(Text, row))
    lines = [measured.sentence, *(f"to change: {change}" for change in changes)]
    return Group(table, Text("\n".join(lines)))


def rows(measured: Measured) -> Iterator[tuple[str, str, str]]:
    """What is told, its value, its interval."""
    yield ("rank correlation between two seeds", *_with_interval(measured.correlation))
    yield ("intraclass correlation (logarithms)", *_with_interval(measured.intraclass))
    yield ("collapsed runs", f"{measured.collapsed:.0%}", "")
    if measured.complete < measured.genotypes:
        left_out = measured.genotypes - measured.complete
        yield ("genotypes left out, as a run diverged", f"{left_out}", "")
    yield ("deviation over seeds (logarithms)", f"{measured.deviation:.2f}", "")
    for seeds, factor in measured.factors.items():
        runs = "1 seed shows" if seeds == 1 else f"{seeds} seeds show"
        yield (f"smallest difference that {runs}", f"factor {factor:.2f}", "")
    for step, other, same in _early(measured):
        yield (f"step {step:,} ranks the end of another seed", f"{other:.2f}", f"(of the same {same:.2f})")
    yield ("another seed's end is ranked as well as it gets from", f"step {measured.telling_step:,}", "")


def _with_interval(estimate: Estimate) -> tuple[str, str]:
    return f"{estimate.value:.2f}", f"{estimate.low:.2f} to {estimate.high:.2f}"


def _early(measured: Measured) -> Iterator[tuple[int, float, float]]:
    """All steps but the last, of which the correlation between seeds speaks already."""
    yield from zip(measured.steps[:-1], measured.other_seed, measured.same_seed, strict=False)
