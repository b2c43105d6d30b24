"""A table of learning curves with a known truth, as noisy as several hundred trainings of CIFAR-10 were.

Figures of those trainings: a run's score at 8 / 20 / 33 / 40 % correlates 0.46 / 0.67 / 0.79 / 0.84 with its
final one; two seeds of a genotype correlate 0.30; good runs deviate by 1.64; one run in ten collapses.
"""

from itertools import pairwise

import numpy as np

from orchestrator.selection.curves import Curves
from orchestrator.selection.tables.table import Columns

EPOCHS = 240
EVERY = 10
"""Epochs between scores: 24 in all."""
AGREEMENT = {0.0: 0.2, 0.08: 0.46, 0.20: 0.67, 1 / 3: 0.79, 0.40: 0.84, 1.0: 1.0}
"""Share of the training -> correlation of a run's score there with its final one."""
SEEDS_CORRELATE = 0.30
COLLAPSED = 0.10
DEVIATION = 1.64
"""Of the final scores of runs that did not collapse."""
EDGES, PRIMITIVES = 21, 7


def noisy_curves(genotypes: int = 300, repeated: int = 40, seed: int = 0) -> Curves:
    """Genotypes of 21 edges, the first `repeated` of which were trained twice."""
    random = np.random.default_rng(seed)
    rows = random.integers(0, PRIMITIVES, size=(genotypes, EDGES))
    index = np.concatenate([np.arange(genotypes), np.arange(repeated)])
    runs = len(index)
    quality = np.sqrt(SEEDS_CORRELATE) * _qualities(rows, random)[index]
    final = quality + np.sqrt(1 - SEEDS_CORRELATE) * random.normal(size=runs)
    shares = np.arange(EVERY, EPOCHS + 1, EVERY) / EPOCHS
    scores = _scores(shares, _paths(shares, final, random))
    scores = _collapse(scores, shares, random)
    number, step = np.indices(scores.shape)
    return Curves.of(
        Columns(
            texts=[str([row.tolist()[start : start + 7] for start in (0, 7, 14)]) for row in rows],
            genotype=index[number].ravel(),
            seed=(number >= genotypes).astype(np.int64).ravel(),
            step=((step + 1) * EVERY).ravel(),
            score=scores.ravel(),
        )
    )


def _qualities(rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A sum over edges, half of it a matter of the primitive alone; standardised."""
    effects = random.normal(size=(EDGES, PRIMITIVES)) + random.normal(size=PRIMITIVES)
    sums = effects[np.arange(EDGES), rows].sum(axis=1)
    return (sums - sums.mean()) / sums.std()


def _paths(shares: np.ndarray, final: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Standardised scores of every run, backwards from the end: each depends on the next one alone."""
    agreement = np.interp(shares, list(AGREEMENT), list(AGREEMENT.values()))
    paths = [final]
    for earlier, later in pairwise(agreement[::-1]):
        ratio = later / earlier
        paths.append(ratio * paths[-1] + np.sqrt(1 - ratio**2) * random.normal(size=len(final)))
    return np.stack(paths[::-1], axis=1)


def _scores(shares: np.ndarray, paths: np.ndarray) -> np.ndarray:
    """FIDs that fall towards 16, early ones far apart."""
    level = 16 * (1 + 3 * np.exp(-shares / 0.12))
    return np.maximum(level * (1 + DEVIATION / 16 * paths), 1.0)


def _collapse(scores: np.ndarray, shares: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """From some moment on, runs are several times worse."""
    runs = len(scores)
    begins = np.where(random.random(runs) < COLLAPSED, random.random(runs), np.inf)
    factor = random.uniform(3, 15, size=(runs, 1))
    return np.where(shares >= begins[:, None], scores * factor, scores)
