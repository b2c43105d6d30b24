"""A selection and a replay as tables for the terminal."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from orchestrator.selection.curves import short_name
from orchestrator.selection.draws import DrawsReport
from orchestrator.selection.replay import BEST, ReplayReport
from orchestrator.selection.result import RankedCandidate, Selection

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

SHOWN = 20
"""Candidates that a ranking shows, and as many of those that diverged."""

NAME_WIDTH = len("1110331-1101333-0103303")


def render(selection: Selection) -> "RenderableType":
    """Rungs, ranking, those that diverged, and the choice with its reason."""
    from rich.console import Group
    from rich.text import Text

    sound = [each for each in selection.ranking if each.is_sound]
    lost = selection.ranking[len(sound) :]
    lines = [f"step {rung.step:,}: {rung.note}" for rung in selection.rungs if rung.note]
    lines += [selection.reason, f"cost: {selection.steps_trained:,} steps trained"]
    if selection.choice and selection.choice != selection.ranking[0].name:
        lines.append(f"genotype: {selection.choice}")
    tables = [_rungs(selection), _ranking(_title(selection), sound)]
    return Group(*tables, *([_ranking("Diverged", lost)] if lost else []), Text("\n".join(lines)))


def render_replay(report: ReplayReport) -> "RenderableType":
    """The selection, then what it would have missed and saved."""
    from rich.console import Group
    from rich.text import Text

    return Group(render(report.selection), _truth(report), Text("\n".join(findings(report))))


def render_draws(report: DrawsReport) -> "RenderableType":
    """Policies side by side, the least regret first at each budget."""
    from rich.console import Group
    from rich.text import Text

    rows = [
        (
            each.policy,
            "-" if each.budget is None else f"{each.budget:g}",
            f"{each.cost:.3f}",
            f"{each.regret:.2f}",
            f"{each.low:.2f} to {each.high:.2f}",
            f"{each.percentile_90:.2f}",
            f"{each.failed:,}",
            ", ".join(map(str, each.rungs)),
        )
        for each in sorted(report.policies, key=lambda each: (-(each.budget or 0), each.regret))
    ]
    columns = ("policy", "budget", "cost", "mean regret", "95 %", "90th percentile", "failed", "rungs")
    title = (
        f"{report.draws:,} random pools of {report.of:,} of {report.among:,} genotypes ({report.runs:,} runs "
        f"to step {report.final_step:,})"
    )
    told = (
        f"regret: how much worse the shipped run ends than the pool's best, in {report.metric}; cost: share "
        "of training the whole pool"
    )
    lines = [told, *(f"note: {note}" for note in report.notes)]
    return Group(_table(title, columns, rows), Text("\n".join(lines)))


def findings(report: ReplayReport) -> Iterator[str]:
    """The outcome of a replay, line by line."""
    genotypes, end = f"{report.genotypes:,}", f"step {report.final_step:,}"
    if report.best is None or report.regret is None:
        yield (
            "regret: unknown, as the choice has no final score" if report.best else "regret: no final scores"
        )
    else:
        best = short_name(report.best)
        yield (
            f"regret: {report.regret:.4g}; the choice ends at {report.choice_score:.4g}, place "
            f"{report.choice_place} of {genotypes}; the best ends at {report.best_score:.4g}: {best}"
        )
    yield (
        f"training saved: {report.saved:.1%}; {report.steps_trained:,} steps instead of "
        f"{report.steps_of_all:,} for one run to {end} of each genotype that took part"
    )
    if report.noise.deviation is not None:
        yield (
            f"noise: runs of one genotype deviate by {report.noise.deviation:.2g} at {end}, pooled over "
            f"{report.noise.candidates:,} genotypes with repeats"
        )
    yield from (f"note: {note}" for note in report.notes)


def _rungs(selection: Selection) -> "Table":
    rows = []
    for index, rung in enumerate(selection.rungs):
        here = [run for each in rung.standings for run in each.diverged if run.step == rung.step]
        cut = "-" if selection.config.is_last(index) else f"{len(rung.kept):,}"
        noise = "unknown" if rung.noise.deviation is None else f"{rung.noise.deviation:.2g}"
        counts = (f"{len(rung.standings):,}", cut, f"{len(here):,}", f"{rung.repeats:,}", noise)
        rows.append((f"{rung.step:,}", *counts, f"{rung.steps_trained:,}"))
    columns = (
        "step",
        "stood",
        "went on",
        "diverged",
        "repeats",
        "deviation over seeds",
        "steps trained",
    )
    return _table("Rungs", columns, rows)


def _ranking(title: str, standings: Sequence[RankedCandidate]) -> "Table":
    rows = [
        (str(place), each.name, _score(each), _runs(each), f"{each.step:,}", each.reason)
        for place, each in enumerate(standings[:SHOWN], start=1)
    ]
    if len(standings) > SHOWN:
        rows.append(("...", f"{len(standings) - SHOWN:,} more", "", "", "", ""))
    return _table(title, ("", "candidate", "mean", "runs", "to step", "why"), rows)


def _truth(report: ReplayReport) -> "Table":
    rows = [
        (
            f"{rung.step:,}",
            f"{rung.stood:,}",
            f"{rung.kept:,}",
            _share(rung.best_kept),
            _share(rung.rank_correlation),
            "-" if rung.noise.deviation is None else f"{rung.noise.deviation:.2g}",
        )
        for rung in report.rungs
    ]
    columns = ("step", "stood", "kept", f"of true best {BEST} kept", "rank correlation", "noise of all")
    return _table(f"Against the final scores of all, at step {report.final_step:,}", columns, rows)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
    for column in columns:
        side: Literal["left", "right"] = "left" if column in ("candidate", "why", "policy") else "right"
        # A short name stays on one line, whatever "why" has to say.
        width = NAME_WIDTH if column == "candidate" else None
        table.add_column(column, justify=side, overflow="fold", min_width=width)
    for row in rows:
        # As Text: the brackets of a genotype are no markup.
        table.add_row(*map(Text, row))
    return table


def _title(selection: Selection) -> str:
    config = selection.config
    return f"Ranking by {config.metric}, {'lower' if config.lower_is_better else 'higher'} is better"


def _score(each: RankedCandidate) -> str:
    if each.mean is None:
        return "-"
    spread = "" if each.deviation is None else f" ± {each.deviation:.2g}"
    return f"{each.mean:.4g}{spread}"


def _runs(each: RankedCandidate) -> str:
    scored = str(len(each.scores))
    return f"{scored} of {each.runs}" if each.diverged else scored


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
