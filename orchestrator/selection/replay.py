"""A source of learning curves that answers from a table instead of training."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64
from pydantic import NonNegativeFloat

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.curves import (
    Curves,
    comparable_steps,
    default_config,
    last_common_step,
    rank_correlation,
    short_name,
)
from orchestrator.selection.policy import select
from orchestrator.selection.result import Candidate, Request, Rung, Selection
from orchestrator.selection.table import TableError
from search_space.frozen import Frozen

SHOWN = 20
"""Steps that a message lists, at most."""


class RecordedCurves:
    """Runs of a table that can be compared at the given steps.

    A run that ends before a step has failed there. A run that goes on but has no score at one of the steps is
    left out, unless it diverged.

    Raises:
        TableError: a step that is not recorded, or by less than half of the runs that go on.
    """

    def __init__(self, curves: Curves, steps: Sequence[int]) -> None:
        _check(curves, steps)
        usable = ~_has_gap(curves, steps)
        self.candidates = _candidates(curves, usable)
        """The genotypes with their recorded seeds."""
        if not self.candidates:
            raise TableError(
                f"rungs: no run has a score at each of {_listed(np.array(steps))}; choose others"
            )
        self.left_out = int((~usable).sum())
        """Runs with gaps."""
        here = np.flatnonzero(np.isin(curves.step, steps))
        self._scores: Mapping[Request, float] = {
            Request(curves.genotypes[genotype], seed, step): score
            for genotype, seed, step, score in zip(
                curves.genotype[here].tolist(),
                curves.seed[here].tolist(),
                curves.step[here].tolist(),
                curves.score[here].tolist(),
                strict=True,
            )
        }

    def scores(self, requests: Sequence[Request]) -> Mapping[Request, float | None]:
        """The recorded scores; None where a run had ended or diverged."""
        return {request: self._scores.get(request) for request in requests}


def _check(curves: Curves, steps: Sequence[int]) -> None:
    comparable = comparable_steps(curves)
    for step in steps:
        if step not in comparable:
            runs = int((curves.step == step).sum())
            found = f"is recorded in {runs} of {curves.runs} runs only" if runs else "is not recorded"
            raise TableError(f"rungs: step {step} {found}; recorded steps: {_listed(comparable)}")


def _listed(steps: Int64[np.ndarray, " s"]) -> str:
    texts = [str(step) for step in steps]
    if len(texts) > SHOWN:
        texts = [*texts[: SHOWN - 5], f"... ({len(texts)} in all)", *texts[-4:]]
    return ", ".join(texts)


def _has_gap(curves: Curves, steps: Sequence[int]) -> Bool[np.ndarray, " R"]:
    """Runs that lack the score of a step although they have later ones, and never diverged."""
    expected = np.searchsorted(np.sort(steps), curves.step[curves.ends], side="right")
    recorded = np.bincount(curves.run[np.isin(curves.step, steps)], minlength=curves.runs)
    diverged = np.bincount(curves.run[np.isnan(curves.score)], minlength=curves.runs)
    return (recorded < expected) & (diverged == 0)


def _candidates(curves: Curves, usable: Bool[np.ndarray, " R"]) -> list[Candidate]:
    ends = curves.ends[usable]
    seeds: dict[int, list[int]] = {}
    for genotype, seed in zip(curves.genotype[ends].tolist(), curves.seed[ends].tolist(), strict=True):
        seeds.setdefault(genotype, []).append(seed)
    ids = ((curves.genotypes[genotype], tuple(values)) for genotype, values in seeds.items())
    return [Candidate(genotype, values, short_name(genotype)) for genotype, values in ids]


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
    scored = [(genotype, float(score)) for genotype, score in zip(curves.genotypes, final, strict=True)]
    finite = [(genotype, score) for genotype, score in scored if np.isfinite(score)]
    truth = dict(sorted(finite, key=lambda pair: pair[1], reverse=not config.lower_is_better))
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
