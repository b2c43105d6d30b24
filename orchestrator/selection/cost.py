"""What a selection costs before it is run, in training steps."""

from collections.abc import Sequence

import numpy as np

from orchestrator.config.selection import SelectionConfig


def planned_steps(config: SelectionConfig, candidates: int) -> int:
    """Steps in all runs together if nobody diverges and nobody is repeated for noise."""
    return steps_ahead(config, 0, candidates, [0] * candidates)


def steps_ahead(config: SelectionConfig, rung: int, standing: int, runs: Sequence[int]) -> int:
    """Most steps of the rungs from one on, counted from 0, without further repeats for noise.

    `runs` are those of each candidate that may be among the standing there, trained to the rung before. Who
    will be kept is not known, so at every rung those whose runs cost most are.
    """
    counts, total = np.array(runs, dtype=np.int64), 0
    before = config.rungs[rung - 1] if rung else 0
    for later in range(rung, len(config.rungs)):
        step, repeats = config.rungs[later], config.repeats_at(later)
        costs = counts * (step - before) + np.maximum(repeats - counts, 0) * step
        total += int(np.sort(costs)[::-1][:standing].sum())
        counts = np.maximum(counts, repeats)
        standing, before = config.keeps(later, standing), step
    return total
