"""Recorded learning curves: the scores of each training run of each genotype, by step."""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from orchestrator.artifacts.genotype_ids import (
    as_json,
    genotype_id,
    genotype_of,
    is_a_name,
    is_of_names,
    short_name,
)
from orchestrator.selection.tables.table import Columns, read_columns
from orchestrator.selection.tables.wide_table import SCORE, TableError

__all__ = ["Curves", "genotype_id", "genotype_of", "short_name"]

SHOWN = 60
"""Characters of a wrong genotype that a message shows."""


@dataclass(frozen=True)
class Curves:
    """One entry for each genotype, seed and step, in this order: `read` and `of` make it so.

    Shapes: n entries; G genotypes, R runs (genotype and seed), in the order of the entries.
    """

    genotypes: tuple[str, ...]
    """Ids, sorted."""
    genotype: Int64[np.ndarray, " n"]
    """Index into `genotypes`."""
    seed: Int64[np.ndarray, " n"]
    step: Int64[np.ndarray, " n"]
    score: Float64[np.ndarray, " n"]
    """The scores; NaN where the run had diverged."""
    duplicates: int = 0
    """Rows left out because they repeat another."""
    untrained: int = 0
    """Rows of step 0 left out, as nothing had been trained there."""
    metric: str = SCORE
    """What the table calls its scores."""

    @classmethod
    def read(cls, path: Path, metric: str = SCORE) -> "Curves":
        """The curves in a .csv or .parquet table, see `table.read_columns`.

        Raises:
            TableError: the file holds no such table, or rows contradict each other.
        """
        try:
            return cls.of(read_columns(path, metric))
        except TableError as error:
            raise error if str(error).startswith(str(path)) else TableError(f"{path}: {error}") from None

    @classmethod
    def of(cls, columns: Columns) -> "Curves":
        """The curves in columns, whatever the order of their rows."""
        trained = columns.step != 0
        if not trained.any():
            raise TableError("step: all rows are of step 0, before any training; steps count those done")
        columns, untrained = columns.only(trained), int((~trained).sum())
        ids = [_parsed(text) for text in columns.texts]
        genotypes = sorted(set(ids))
        place = {genotype: index for index, genotype in enumerate(genotypes)}
        genotype = np.array([place[id] for id in ids], dtype=np.int64)[columns.genotype]
        order = np.lexsort((columns.step, columns.seed, genotype))
        rows = (genotype[order], columns.seed[order], columns.step[order], columns.score[order])
        curves = cls(tuple(genotypes), *rows)
        if (first := curves.step.min()) < 1:
            raise TableError(f"step: {first} is below 1; steps count the training steps done")
        return replace(curves._without_duplicates(), untrained=untrained, metric=columns.metric)

    def _without_duplicates(self) -> "Curves":
        keys = np.stack([self.genotype, self.seed, self.step])
        again = np.concatenate([[False], (np.diff(keys) == 0).all(axis=0)])
        for index in np.flatnonzero(again):
            one, other = self.score[index - 1 : index + 1]
            if one != other and not (np.isnan(one) and np.isnan(other)):
                raise TableError(
                    f"score: both {one:.6g} and {other:.6g} for {self.genotypes[self.genotype[index]]}, "
                    f"seed {self.seed[index]}, step {self.step[index]}; keep one"
                )
        genotype, seed, step = keys[:, ~again]
        return Curves(self.genotypes, genotype, seed, step, self.score[~again], int(again.sum()))

    @cached_property
    def run(self) -> Int64[np.ndarray, " n"]:
        """Number of the run that each entry belongs to."""
        starts = (np.diff(self.genotype) != 0) | (np.diff(self.seed) != 0)
        return np.concatenate([[0], np.cumsum(starts)])

    @cached_property
    def ends(self) -> Int64[np.ndarray, " R"]:
        """Index of the last entry of each run."""
        return np.append(np.flatnonzero(np.diff(self.run)), len(self.run) - 1)

    @property
    def runs(self) -> int:
        """Training runs: distinct pairs of genotype and seed."""
        return len(self.ends)

    def means(self, step: int) -> Float64[np.ndarray, " G"]:
        """Mean over the finite scores of each genotype at a step; NaN for one that has none."""
        here = (self.step == step) & np.isfinite(self.score)
        counts = np.bincount(self.genotype[here], minlength=len(self.genotypes))
        sums = np.bincount(self.genotype[here], self.score[here], minlength=len(self.genotypes))
        return np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)


def _parsed(text: str | None) -> str:
    """The id of a genotype written in any spacing, flat or by rows; a name stays as it is."""
    if text and text.strip() and is_a_name(text):
        return text.strip()
    try:
        rows = json.loads(text or "")
    except (ValueError, RecursionError):
        rows = None
    if isinstance(rows, list) and rows and not any(isinstance(row, list) for row in rows):
        rows = [rows]
    if not _is_list_of_rows(rows):
        shown = repr(text) if text is None or len(text) <= SHOWN else f"{text[:SHOWN]!r}..."
        raise TableError(
            f"genotype: {shown} is no list of rows of whole numbers, as [[0,1,3],[1,1,4]], and no name"
        )
    return as_json(rows)


def _is_list_of_rows(rows: object) -> bool:
    return (
        isinstance(rows, list)
        and bool(rows)
        and all(isinstance(row, list) and row for row in rows)
        and (is_of_names(rows) or all(type(index) is int for row in rows for index in row))
    )


def comparable_steps(curves: Curves) -> Int64[np.ndarray, " s"]:
    """Steps recorded by at least half of the runs that were trained so far, increasing."""
    steps, recorded = np.unique(curves.step, return_counts=True)
    lasts = np.sort(curves.step[curves.ends])
    reached = len(lasts) - np.searchsorted(lasts, steps)
    return steps[2 * recorded >= reached]


def last_common_step(curves: Curves) -> int:
    """The last comparable step that at least half of the genotypes reached; the last of all if none is."""
    furthest = np.zeros(len(curves.genotypes), dtype=np.int64)
    np.maximum.at(furthest, curves.genotype, curves.step)
    reached = np.sort(furthest)[::-1][(len(furthest) - 1) // 2]
    steps = comparable_steps(curves)
    common = steps[steps <= reached]
    return int(common[-1] if len(common) else steps[-1])


def rank_correlation(one: Float64[np.ndarray, " n"], other: Float64[np.ndarray, " n"]) -> float | None:
    """Spearman's correlation of ranks over the pairs without a NaN.

    None for fewer than two pairs, or where all values on one side are equal.
    """
    both = np.isfinite(one) & np.isfinite(other)
    pairs = np.stack([one[both], other[both]])
    if pairs.shape[1] < 2 or (np.ptp(pairs, axis=1) == 0).any():
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(*pairs).statistic)
