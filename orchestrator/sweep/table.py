"""The trials of a sweep as a table on a terminal, or as lines in a log."""

import time
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from orchestrator.console.progress import in_words
from orchestrator.jobs.scores import deviation
from orchestrator.sweep.config import Sweep
from orchestrator.sweep.results import Row, State, best, pareto_front

if TYPE_CHECKING:
    from rich.console import RenderableType

SAID: Sequence[State] = ("complete", "stopped", "failed", "running")
"""States in the order of a summary."""

SHOWN = 20
"""Trials in the live table: those under way and the newest."""


class Board:
    """Remembers every trial's newest state and draws them."""

    def __init__(self, sweep: Sweep, rows: Sequence[Row]) -> None:
        self._sweep = sweep
        self._rows: dict[int, Row] = {}
        self._states: Counter[State] = Counter()
        self._leaders: list[Row] = []
        """The best trial, or the Pareto front: kept, as to look for it among all takes ever longer."""
        for row in rows:
            self._take(row)
        self._began = time.monotonic()
        self._ended_before = self._ended

    @property
    def rows(self) -> list[Row]:
        """All trials, in their order."""
        return [self._rows[number] for number in sorted(self._rows)]

    def changed(self, row: Row) -> bool:
        """Take in a trial's state; whether it is another than before."""
        before = self._rows.get(row.number)
        self._take(row)
        return before is None or (before.state, before.evaluations) != (row.state, row.evaluations)

    def _take(self, row: Row) -> None:
        if row.number in self._rows:
            self._states[self._rows[row.number].state] -= 1
        self._rows[row.number] = row
        self._states[row.state] += 1
        if row.state == "complete":
            others = [leader for leader in self._leaders if leader.number != row.number]
            self._leaders = leaders(self._sweep, sorted([*others, row], key=lambda each: each.number))

    @property
    def _ended(self) -> int:
        return len(self._rows) - self._states["running"]

    def line(self, row: Row) -> str:
        """One trial, for a log."""
        params = "  ".join(f"{_last(name)} {_number(value)}" for name, value in row.params.items())
        what = row.reason or _values(self._sweep, row)
        return f"trial {row.number} {row.state}  {params}  {what}".rstrip()

    def summary(self) -> str:
        """How many are how far, the best so far, and the time left."""
        counts = ", ".join(f"{self._states[state]} {state}" for state in SAID if self._states[state])
        of = f"{counts or 'no trial yet'} of {self._sweep.config.budget.trials}"
        return f"{of}; {self.winners()}; {self.eta()}"

    def winners(self) -> str:
        """The best trial, or the Pareto front."""
        if len(self._sweep.config.objective) > 1:
            return f"Pareto front {', '.join(str(row.number) for row in self._leaders) or 'empty'}"
        if not self._leaders:
            return "no best yet"
        (row,) = self._leaders
        return f"best {row.number} with {_values(self._sweep, row)}"

    def eta(self) -> str:
        """Time left at the pace of this start."""
        ended = self._ended
        done, left = ended - self._ended_before, self._sweep.config.budget.trials - ended
        if left <= 0:
            return "none left"
        if not done:
            return "?:??:?? left"
        return f"{in_words((time.monotonic() - self._began) / done * left)} left"

    def __rich__(self) -> "RenderableType":
        from rich.console import Group
        from rich.text import Text

        running = [row for row in self.rows if row.state == "running"]
        others = [row for row in self.rows if row.state != "running"][-max(SHOWN - len(running), 0) :]
        shown = sorted([*running, *others], key=lambda row: row.number)
        return Group(rich_table(self._sweep, shown), Text(self.summary()))


def leaders(sweep: Sweep, rows: Sequence[Row]) -> list[Row]:
    """The best trial if there is one objective, else the Pareto front."""
    objectives = sweep.config.objective
    if len(objectives) > 1:
        return pareto_front(rows, objectives)
    winner = best(rows, objectives[0])
    return [winner] if winner else []


def rich_table(sweep: Sweep, rows: Sequence[Row]) -> Any:
    """The trials with mean, deviation and every seed's score."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in _header(sweep):
        table.add_column(name, justify="left" if name == "state" else "right")
    front = _front(sweep, rows)
    for row in rows:
        table.add_row(*_cells(sweep, row, front))
    return table


def plain_table(sweep: Sweep, rows: Sequence[Row]) -> Iterator[str]:
    """The same as lines of text, columns aligned."""
    front = _front(sweep, rows)
    cells = [list(_header(sweep)), *(list(_cells(sweep, row, front)) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    for line in cells:
        yield "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)).rstrip()


def _header(sweep: Sweep) -> Iterator[str]:
    yield from ("trial", "state")
    yield from _short_names(list(sweep.config.space))
    for objective in sweep.config.objective:
        yield from (objective.metric, "deviation", "by seed")


def _front(sweep: Sweep, rows: Sequence[Row]) -> set[int]:
    """Numbers of the trials on the Pareto front, where there is one."""
    objectives = sweep.config.objective
    return {row.number for row in pareto_front(rows, objectives)} if len(objectives) > 1 else set()


def _cells(sweep: Sweep, row: Row, front: Container[int]) -> Iterator[str]:
    state = f"{row.state} at {row.evaluations}" if row.state in ("running", "stopped") else row.state
    yield from (str(row.number), f"{state}, front" if row.number in front else state)
    for name in sweep.config.space:
        yield _number(row.params[name]) if name in row.params else "-"
    for position, objective in enumerate(sweep.config.objective):
        scores = [run[objective.metric] for run in row.runs]
        newest = row.values[position] if row.values else row.newest
        yield _number(fmean(scores)) if scores else _number(newest) if newest is not None else "-"
        spread = deviation(scores)
        yield "-" if spread is None else _number(spread)
        yield " ".join(_number(score) for score in scores) or "-"


def _values(sweep: Sweep, row: Row) -> str:
    """The mean of each objective and, for several seeds, its deviation; before the end, the newest value."""
    words = []
    for position, objective in enumerate(sweep.config.objective):
        scores = [run[objective.metric] for run in row.runs]
        value = fmean(scores) if scores else row.values[position] if row.values else row.newest
        if value is not None:
            spread = deviation(scores)
            shown = "" if spread is None else f" ± {_number(spread)}"
            words.append(f"{objective.metric} {_number(value)}{shown}")
    return "  ".join(words)


def _short_names(names: Sequence[str]) -> Iterator[str]:
    """As few of the last parts as tell the names apart."""
    for name in names:
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            short = ".".join(parts[-count:])
            if sum(other == short or other.endswith(f".{short}") for other in names) == 1:
                break
        yield short


def _last(name: str) -> str:
    return ".".join(name.split(".")[-2:])


def _number(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"
