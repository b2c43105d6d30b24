"""The policy on recorded curves: what it would have chosen, missed and saved."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from pydantic import NonNegativeFloat

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.curves import Curves
from orchestrator.selection.policy import select
from orchestrator.selection.ranking import best_first, rank_correlation
from orchestrator.selection.recorded import RecordedCurves
from orchestrator.selection.result import Rung, Selection
from orchestrator.selection.steps import default_config, last_common_step
from search_space.frozen import Frozen

BEST = 10
"""How many of the truly best genotypes are followed through the rungs."""


class RungReport(Frozen):
    """How well one rung told the good from the bad."""

    step: int
    stood: int
    kept: int
    best_kept: float | None
    """Share of the true best 10, or of all where there are fewer, who went on; None without final scores."""
    rank_correlation: float | None
    """Spearman's, of the mean scores of all genotypes here with the final ones; None where undefined."""


class ReplayReport(Frozen):
    """A selection from recorded curves, beside the truth they hold.

    The final score of a genotype is the mean over its finite scores at the final step, over all seeds, also
    those the policy never saw.
    """

    selection: Selection
    genotypes: int
    runs: int
    final_step: int
    """The last step that at least half of the genotypes reached; the last rung if that is later."""
    choice_score: float | None
    """Final score of the choice; None if there is none."""
    best: str | None
    """The genotype with the best final score."""
    best_score: float | None
    regret: NonNegativeFloat | None
    """How much worse the choice's final score is than the best."""
    choice_place: int | None
    """Of the choice in the order of final scores, from 1."""
    rungs: tuple[RungReport, ...]
    steps_trained: int
    steps_of_all: int
    """Training every recorded run to the final step."""
    notes: tuple[str, ...]
    """What in the table needs to be known to read the report."""

    @property
    def saved(self) -> float:
        """Share of the training that was not needed."""
        return 1 - self.steps_trained / self.steps_of_all


def replay(table: Path, config: SelectionConfig | None = None) -> ReplayReport:
    """Select from the curves in a .csv or .parquet table; without a config, by `steps.default_config`.

    Raises:
        TableError: the file holds no such table, or lacks a rung.
        SelectionError: the budget is too small.
    """
    curves = Curves.read(table)
    return replay_curves(curves, config or default_config(curves))


def replay_curves(curves: Curves, config: SelectionConfig) -> ReplayReport:
    """Select from recorded curves, and compare with what they say in the end."""
    source = RecordedCurves(curves, config.rungs)
    selection = select(source.candidates, source, config)
    final_step = max(config.rungs[-1], last_common_step(curves))
    final = curves.means(final_step)
    truth = {
        curves.genotypes[index]: float(final[index]) for index in best_first(final, config.lower_is_better)
    }
    order = list(truth)
    choice_score = truth.get(selection.choice or "")
    best_score = truth[order[0]] if order else None
    return ReplayReport(
        selection=selection,
        genotypes=len(curves.genotypes),
        runs=curves.runs,
        final_step=final_step,
        choice_score=choice_score,
        best=order[0] if order else None,
        best_score=best_score,
        regret=None if choice_score is None or best_score is None else abs(choice_score - best_score),
        choice_place=None if choice_score is None else order.index(selection.choice or "") + 1,
        rungs=tuple(_rung_report(rung, curves, final, order[:BEST]) for rung in selection.rungs),
        steps_trained=selection.steps_trained,
        steps_of_all=curves.runs * final_step,
        notes=tuple(_notes(curves, source, config, final_step, len(curves.genotypes) - len(truth))),
    )


def _rung_report(
    rung: Rung, curves: Curves, final: Float64[np.ndarray, " G"], true_best: Sequence[str]
) -> RungReport:
    kept = {standing.genotype for standing in rung.kept}
    return RungReport(
        step=rung.step,
        stood=len(rung.standings),
        kept=len(kept),
        best_kept=len(kept.intersection(true_best)) / len(true_best) if true_best else None,
        rank_correlation=rank_correlation(curves.means(rung.step), final),
    )


def _notes(
    curves: Curves, source: RecordedCurves, config: SelectionConfig, final_step: int, unscored: int
) -> Iterator[str]:
    """What in the table is not as one would expect."""
    last = curves.step[curves.ends] < config.rungs[-1]
    early = int((last & ~np.isnan(curves.score[curves.ends])).sum())
    repeats = max(config.repeats)
    few = sum(len(candidate.seeds) < repeats for candidate in source.candidates)
    for what, count, result in (
        ("rows that repeat another", curves.duplicates, "left out"),
        ("runs without a score at a rung though they go on", source.left_out, "left out"),
        (
            f"runs that end before step {config.rungs[-1]} with a finite score",
            early,
            "taken for diverged there",
        ),
        (f"genotypes with fewer than {repeats} seeds", few, "compared by those they have"),
        (f"genotypes without a finite score at step {final_step}", unscored, "without a place in the end"),
    ):
        if count:
            yield f"{what}: {count:,}, {result}"
