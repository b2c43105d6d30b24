"""A source of learning curves that answers from a table instead of training."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float64, Int64

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.curves import Curves, comparable_steps, last_common_step, short_name
from orchestrator.selection.policy import select, settle
from orchestrator.selection.result import Candidate, Request, Selection
from orchestrator.selection.tables.wide_table import TableError

SHOWN = 20
"""Steps that a message lists, at most."""
REPEATS = (1, 2, 3)
"""Most runs at the last three rungs."""


def most_repeats(rungs: int) -> tuple[int, ...]:
    """Most runs at each of so many rungs: repeats cost most and matter least where many still stand."""
    return (1,) * (rungs - len(REPEATS)) + REPEATS[-rungs:]


class Unrecorded(Exception):
    """Scores that nobody knows: the runs ended before, and had not diverged."""

    def __init__(self, runs: Collection[tuple[str, int]]) -> None:
        super().__init__(f"{len(runs)} runs")
        self.runs = runs


class RecordedCurves:
    """Runs of a table, with their scores at some steps.

    Shapes: R runs in the order of the table, s steps.
    """

    def __init__(self, curves: Curves, steps: Sequence[int]) -> None:
        """Raises:
        TableError: a step that is not recorded, or by less than half of the runs that go on.
        """
        _check(curves, steps)
        self.steps = np.unique(np.array(steps, dtype=np.int64))
        self.genotype = curves.genotype[curves.ends]
        self.seed = curves.seed[curves.ends]
        self.scores_of: Float64[np.ndarray, "R s"]
        self.scores_of, self.known = _table(curves, self.steps)
        gap = ~self.known & (self.steps < curves.step[curves.ends][:, None])
        self.usable: Bool[np.ndarray, " R"] = ~gap.any(axis=1)
        """Runs that have a score at every step up to their end, or diverged."""
        self._ids = curves.genotypes
        self._places = {
            (curves.genotypes[genotype], seed): run
            for run, (genotype, seed) in enumerate(
                zip(self.genotype.tolist(), self.seed.tolist(), strict=True)
            )
        }
        if not self.usable.any():
            raise TableError(
                f"rungs: no run has a score at each of {_listed(self.steps)}; choose others, as in --rungs "
                f"{','.join(map(str, _together(curves, self.steps)))}"
            )

    @property
    def whole(self) -> Bool[np.ndarray, " R"]:
        """Runs of which every step is known."""
        return np.asarray(self.known.all(axis=1))

    def candidates(self, without: Collection[tuple[str, int]] = ()) -> list[Candidate]:
        """The genotypes with their usable seeds."""
        return self.candidates_of(
            run
            for run in np.flatnonzero(self.usable).tolist()
            if not without or (self._ids[self.genotype[run]], int(self.seed[run])) not in without
        )

    def candidates_of(self, runs: Iterable[int]) -> list[Candidate]:
        """The genotypes of some runs, with the seeds of these in their order."""
        seeds: dict[str, list[int]] = {}
        for run in runs:
            seeds.setdefault(self._ids[self.genotype[run]], []).append(int(self.seed[run]))
        return [Candidate(id, tuple(numbers), short_name(id)) for id, numbers in seeds.items()]

    def scores(self, requests: Sequence[Request]) -> Mapping[Request, float | None]:
        """The recorded scores; None where a run had diverged.

        Raises:
            Unrecorded: runs that ended before, without having diverged.
        """
        runs = np.array([self._places[request[:2]] for request in requests], dtype=np.int64)
        steps = np.searchsorted(self.steps, [request.step for request in requests])
        if missing := {requests[index][:2] for index in np.flatnonzero(~self.known[runs, steps]).tolist()}:
            raise Unrecorded(missing)
        values = self.scores_of[runs, steps]
        return {
            request: score if finite else None
            for request, score, finite in zip(
                requests, values.tolist(), np.isfinite(values).tolist(), strict=True
            )
        }

    def final(self, genotype: str, seed: int) -> float:
        """A run's score at the last step."""
        return float(self.scores_of[self._places[genotype, seed], -1])


def select_recorded(
    source: RecordedCurves, config: SelectionConfig
) -> tuple[Selection, list[Candidate], int]:
    """The selection, who took part, and how many runs could not, as they end before they were asked for.

    Raises:
        TableError: nobody is left.
        SelectionError: the budget is too small.
    """
    without: set[tuple[str, int]] = set()
    while everyone := source.candidates(without):
        try:
            return select(everyone, source, config), everyone, len(without)
        except Unrecorded as unrecorded:
            # What they would have scored is unknown: they are no candidates, which is not to have diverged.
            without |= set(unrecorded.runs)
    raise TableError(f"rungs: no run was recorded up to step {config.steps[-1]}; choose an earlier last rung")


def settle_on(curves: Curves, config: SelectionConfig) -> SelectionConfig:
    """Rungs that a table has recorded: those given in steps as they are, shares where the nearest step is."""
    final = last_common_step(curves)
    steps = comparable_steps(_reaching(curves, final))
    steps = steps[steps <= final]
    return settle(config, lambda share: int(steps[np.abs(steps - share * final).argmin()]))


def default_config(curves: Curves) -> SelectionConfig:
    """The configuration for a table of which nothing else is known."""
    settled = settle_on(curves, SelectionConfig())
    return settled.model_copy(update={"max_repeats": most_repeats(len(settled.steps))})


def _reaching(curves: Curves, step: int) -> Curves:
    """The runs that recorded a step, so that others' habits decide nothing; all if none did."""
    runs = curves.run[curves.step == step]
    rows = np.isin(curves.run, runs) if len(runs) else np.ones(len(curves.run), dtype=bool)
    return replace(
        curves,
        genotype=curves.genotype[rows],
        seed=curves.seed[rows],
        step=curves.step[rows],
        score=curves.score[rows],
    )


def _table(
    curves: Curves, steps: Int64[np.ndarray, " s"]
) -> tuple[Float64[np.ndarray, "R s"], Bool[np.ndarray, "R s"]]:
    """Scores by run and step, and which of them are known: recorded, or after a divergence."""
    scores = np.full((curves.runs, len(steps)), np.nan)
    known = np.zeros(scores.shape, dtype=bool)
    here = np.flatnonzero(np.isin(curves.step, steps))
    columns = np.searchsorted(steps, curves.step[here])
    scores[curves.run[here], columns] = curves.score[here]
    known[curves.run[here], columns] = True
    lost = np.flatnonzero(np.isnan(curves.score))
    diverged = np.full(curves.runs, np.iinfo(np.int64).max)
    np.minimum.at(diverged, curves.run[lost], curves.step[lost])
    return scores, known | (steps >= diverged[:, None])


def _check(curves: Curves, steps: Sequence[int]) -> None:
    comparable = comparable_steps(curves)
    for step in steps:
        if step not in comparable:
            runs = int((curves.step == step).sum())
            found = f"is recorded in {runs} of {curves.runs} runs only" if runs else "is not recorded"
            raise TableError(f"rungs: step {step} {found}; recorded steps: {_listed(comparable)}")


def _together(curves: Curves, steps: Int64[np.ndarray, " s"]) -> list[int]:
    """The steps nearest to these in the run that has most, of those with the last one."""
    reaching = _reaching(curves, int(steps[-1]))
    recorded = reaching.step[reaching.run == np.bincount(reaching.run).argmax()]
    return sorted({int(recorded[np.abs(recorded - step).argmin()]) for step in steps.tolist()})


def _listed(steps: Int64[np.ndarray, " s"]) -> str:
    texts = [str(step) for step in steps.tolist()]
    if len(texts) > SHOWN:
        texts = [*texts[: SHOWN - 5], f"... ({len(texts)} in all)", *texts[-4:]]
    return ", ".join(texts)
