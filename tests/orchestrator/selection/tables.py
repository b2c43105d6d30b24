"""Tables of learning curves for tests."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from orchestrator.selection.curves import Curves
from orchestrator.selection.tables.table import Columns

NAN = float("nan")
Row = tuple[str, int, int, float]
"""Genotype, seed, step, score."""


def write_csv(
    path: Path,
    rows: Iterable[Sequence[object]],
    header: Sequence[str] = ("genotype", "seed", "step", "score"),
) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def curves_of(runs: Mapping[tuple[int, int], Mapping[int, float]]) -> Curves:
    """(genotype number, seed) -> step -> score; genotype n is [[n]]."""
    rows = [
        (genotype, seed, step, score)
        for (genotype, seed), curve in runs.items()
        for step, score in curve.items()
    ]
    texts = sorted({genotype for genotype, *_ in rows})
    genotype, seed, step, score = zip(*rows, strict=True)
    return Curves.of(
        Columns(
            texts=[f"[[{number}]]" for number in texts],
            genotype=np.array([texts.index(number) for number in genotype]),
            seed=np.array(seed),
            step=np.array(step),
            score=np.array(score, dtype=float),
        )
    )
