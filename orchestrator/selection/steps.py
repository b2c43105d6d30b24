"""At which steps a table compares its runs: those that most of them recorded."""

import numpy as np
from jaxtyping import Int64

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.curves import Curves

FIRST_RUNGS = (0.08, 1 / 3)
"""Shares of the training after which candidates are cut unless rungs are given. Ranks of FID there were seen
to correlate 0.55 and 0.86 with the final ones; the best third after 8 % held 9 of the final best 10."""


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


def default_config(curves: Curves) -> SelectionConfig:
    """Rungs for a table of which nothing else is known: at 8 %, a third and the end of the training."""
    final = last_common_step(curves)
    steps = comparable_steps(curves)
    steps = steps[steps <= final]
    rungs = {int(steps[np.abs(steps - share * final).argmin()]) for share in FIRST_RUNGS}
    # Repeats cost most and matter least where many still stand.
    repeats = (1, 2, 3)[-len(rungs | {final}) :]
    return SelectionConfig(rungs=tuple(sorted(rungs | {final})), max_repeats=repeats)
