"""Replaying a policy on recorded curves, compared with the best run in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from pydantic import NonNegativeFloat

from orchestrator.config.selection import SelectionConfig
from orchestrator.jobs.scores import Noise, pooled
from orchestrator.selection.curves import Curves, last_common_step, rank_correlation
from orchestrator.selection.recorded import RecordedCurves, default_config, select_recorded, settle_on
from orchestrator.selection.result import Candidate, Request, Rung, Selection
from orchestrator.selection.rung import divergences
from search_space.frozen import Frozen

BEST = 10
"""How many of the truly best genotypes are followed through the rungs."""


class RungReport(Frozen):
    """The quality of one rung: how well it told good candidates from bad ones."""

    step: int
    stood: int
    kept: int
    best_kept: float | None
    """Share of the true best 10, or of all where there are fewer, who went on; None without final scores."""
    rank_correlation: float | None
    """Spearman's correlation of the mean scores at this rung with the final ones; None if undefined."""
    noise: Noise
    """Deviation over seeds here, of all genotypes that were trained more than once."""


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
    """The regret: how much worse the choice's final score is than the best."""
    choice_place: int | None
    """Place of the choice in the order of final scores, from 1."""
    rungs: tuple[RungReport, ...]
    steps_trained: int
    steps_of_all: int
    """Training one run of every genotype that took part to the final step."""
    noise: Noise
    """Deviation over seeds at the final step."""
    notes: tuple[str, ...]
    """Notes on the table that are needed to read the report."""

    @property
    def saved(self) -> float:
        """Share of the training that was not needed."""
        return 1 - self.steps_trained / self.steps_of_all


def replay(table: Path, config: SelectionConfig | None = None) -> ReplayReport:
    """Select from the curves in a .csv or .parquet table; without a config, by `recorded.default_config`.

    Raises:
        TableError: the file holds no such table, or lacks a rung.
        SelectionError: the budget is too small.
    """
    curves = Curves.read(table)
    return replay_curves(curves, config or default_config(curves))


@dataclass(frozen=True)
class Truth:
    """Final scores."""

    step: int
    means: Float64[np.ndarray, " G"]
    scores: dict[str, float]
    """Final scores of the genotypes that have one, best first."""


def replay_curves(curves: Curves, config: SelectionConfig) -> ReplayReport:
    """Select from recorded curves, and compare with what they say in the end."""
    config = settle_on(curves, config)
    source = RecordedCurves(curves, config.steps)
    selection, everyone, unrecorded = select_recorded(source, config)
    truth = _truth(curves, config)
    order = list(truth.scores)
    choice_score = truth.scores.get(selection.choice or "")
    best_score = truth.scores[order[0]] if order else None
    return ReplayReport(
        selection=selection,
        genotypes=len(curves.genotypes),
        runs=curves.runs,
        final_step=truth.step,
        choice_score=choice_score,
        best=order[0] if order else None,
        best_score=best_score,
        regret=None if choice_score is None or best_score is None else abs(choice_score - best_score),
        choice_place=None if choice_score is None else order.index(selection.choice or "") + 1,
        rungs=tuple(_rung_report(rung, curves, config, truth) for rung in selection.rungs),
        steps_trained=selection.steps_trained,
        steps_of_all=len(everyone) * truth.step,
        noise=noise_at(curves, truth.step, config),
        notes=tuple(_notes(curves, source, everyone, unrecorded, config, truth)),
    )


def noise_at(curves: Curves, step: int, config: SelectionConfig) -> Noise:
    """Deviation over seeds at a step, pooled over all genotypes with repeats; diverged runs do not count."""
    here = np.flatnonzero(curves.step == step)
    scores: dict[Request, float | None] = {
        Request(curves.genotypes[genotype], seed, step): score
        for genotype, seed, score in zip(
            curves.genotype[here].tolist(),
            curves.seed[here].tolist(),
            curves.score[here].tolist(),
            strict=True,
        )
    }
    lost = divergences(scores, config)
    groups: dict[str, list[float]] = {}
    for request, score in scores.items():
        if request not in lost and score is not None:
            groups.setdefault(request.genotype, []).append(score)
    return pooled(groups.values())


def _truth(curves: Curves, config: SelectionConfig) -> Truth:
    step = max(config.steps[-1], last_common_step(curves))
    means = curves.means(step)
    finite = [
        (genotype, score)
        for genotype, score in zip(curves.genotypes, means.tolist(), strict=True)
        if np.isfinite(score)
    ]
    ordered = sorted(finite, key=lambda pair: pair[1], reverse=not config.lower_is_better)
    return Truth(step, means, dict(ordered))


def _rung_report(rung: Rung, curves: Curves, config: SelectionConfig, truth: Truth) -> RungReport:
    kept = {ranked.genotype for ranked in rung.kept}
    true_best = list(truth.scores)[:BEST]
    return RungReport(
        step=rung.step,
        stood=len(rung.standings),
        kept=len(kept),
        best_kept=len(kept.intersection(true_best)) / len(true_best) if true_best else None,
        rank_correlation=rank_correlation(curves.means(rung.step), truth.means),
        noise=noise_at(curves, rung.step, config),
    )


def _notes(
    curves: Curves,
    source: RecordedCurves,
    everyone: Sequence[Candidate],
    unrecorded: int,
    config: SelectionConfig,
    truth: Truth,
) -> Iterator[str]:
    """Notes on what is unusual in the table."""
    repeats = max(config.repeats)
    few = sum(len(candidate.seeds) < repeats for candidate in everyone)
    unscored = len(curves.genotypes) - len(truth.scores)
    gaps = int((~source.usable).sum())
    for what, count, result in (
        ("rows that repeat another", curves.duplicates, "left out"),
        ("rows of step 0, before any training", curves.untrained, "left out"),
        ("runs without a score at a rung though they go on", gaps, "left out"),
        (
            "runs that end with a finite score before a rung that they were to be trained to",
            unrecorded,
            "left out",
        ),
        (f"genotypes with fewer than {repeats} seeds", few, "compared by those they have"),
        (f"genotypes without a finite score at step {truth.step}", unscored, "without a place in the end"),
    ):
        if count:
            yield f"{what}: {count:,}, {result}"
