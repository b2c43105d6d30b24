"""The trust in inherited scores: how they rank genotypes that a reliability run has really trained.

Shapes: G genotypes, K seeds, S supernets.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from orchestrator.artifacts.genotype_ids import genotype_of
from orchestrator.config.experiment import Experiment
from orchestrator.yardstick.known import STAGE, known_reliability
from orchestrator.yardstick.statistics import Estimate, rank_correlations, seed_correlation
from search_space.frozen import Frozen
from search_space.genotype import Genotype
from trainers.metrics.specs import lower_is_better, score_names

TABLE_FILE = "reliability.parquet"
FEWEST = 5
"""Genotypes of which an interval can be given."""
LARGEST = math.log(np.finfo(float).max)
"""The logarithm that stands for a missing score: the worst rank."""


@dataclass(frozen=True)
class Truth:
    """Genotypes that were trained to the end of one recipe, each with several seeds."""

    run: str
    metric: str
    genotypes: Sequence[Genotype]
    scores: Float64[np.ndarray, "G K"]
    """Logarithms at the end of training, the lower the better; the largest number where there is no score."""

    @property
    def means(self) -> Float64[np.ndarray, " G"]:
        """The mean over seeds."""
        return self.scores.mean(axis=1)


class Trust(Frozen):
    """The agreement of supernets with real trainings. Correlations are of ranks, with 95 % intervals."""

    run: str
    """The run of the trainings."""
    metric: str
    genotypes: int
    seeds: int
    """The number of seeds of each genotype."""
    spearman: Estimate
    """Spearman's correlation of the mean standardised score of all supernets."""
    kendall: Estimate
    each: tuple[Estimate, ...]
    """Spearman's correlation of each supernet alone."""
    supernets_agree: float | None
    """The correlation of the supernets with each other; None for one supernet."""
    parameters: Estimate
    """Spearman's correlation of the number of parameters, which costs nothing to know."""
    seeds_agree: Estimate
    """The correlation of two trainings of a genotype: at best, its root can be reached."""

    @property
    def sentence(self) -> str:
        """The main result in one sentence."""
        value, low, high = self.spearman
        worth = "not shown to be better than chance" if low <= 0 else "better than chance"
        return (
            f"inherited scores rank the {self.genotypes} real trainings of run {self.run} by {value:.2f} "
            f"({low:.2f} to {high:.2f}, Spearman; Kendall {self.kendall.value:.2f}): {worth}; the number of "
            f"parameters ranks them by {self.parameters.value:.2f}, another seed by "
            f"{self.seeds_agree.value:.2f}"
        )

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics for MLflow."""
        estimates = {"trust_spearman": self.spearman, "trust_kendall": self.kendall}
        return {
            f"{name}{suffix}": value
            for name, estimate in estimates.items()
            for suffix, value in zip(("", "_low", "_high"), estimate, strict=True)
        }


def known_truth(experiment: Experiment) -> Truth | None:
    """The trainings of the most thorough reliability run of the recipe; None where there is none to use."""
    metric = next(iter(score_names(experiment.retrain.evaluation)), None)
    known = known_reliability(experiment, metric) if metric else None
    table = experiment.folder / known.run / STAGE / TABLE_FILE if known else None
    if known is None or metric is None or table is None or not table.is_file():
        return None
    genotypes, scores = truth_of(table, metric)
    return Truth(known.run, metric, genotypes, scores) if len(genotypes) >= FEWEST else None


def truth_of(table: Path, metric: str) -> tuple[list[Genotype], Float64[np.ndarray, "G K"]]:
    """Genotypes of a reliability run, and the logarithm of the last score of every training."""
    import pyarrow.parquet as pq

    ends: dict[str, dict[int, tuple[int, float]]] = defaultdict(dict)
    for row in pq.read_table(table, columns=["genotype", "seed", "step", "score"]).to_pylist():
        before = ends[row["genotype"]].get(row["seed"], (0, math.nan))
        score = math.nan if row["score"] is None else row["score"]
        ends[row["genotype"]][row["seed"]] = max(before, (row["step"], score), key=lambda each: each[0])
    sign = 1 if lower_is_better(metric) else -1
    rows = [[_log(score, sign) for _, (_, score) in sorted(seeds.items())] for seeds in ends.values()]
    return list(map(genotype_of, ends)), np.array(rows)


def _log(score: float, sign: int) -> float:
    return sign * math.log(score) if score > 0 and math.isfinite(score) else LARGEST


def trust_in(inherited: Float64[np.ndarray, "G S"], truth: Truth, parameters: Sequence[int]) -> Trust:
    """The trust that inherited scores give; those that are not finite count as the worst."""
    means = truth.means
    ranked = np.nan_to_num(inherited, nan=LARGEST)
    spearman, kendall = rank_correlations(standardised(inherited), means)
    pairs = [rank_correlations(one, other)[0].value for one, other in combinations(ranked.T, 2)]
    return Trust(
        run=truth.run,
        metric=truth.metric,
        genotypes=truth.scores.shape[0],
        seeds=truth.scores.shape[1],
        spearman=spearman,
        kendall=kendall,
        each=tuple(rank_correlations(one, means)[0] for one in ranked.T),
        supernets_agree=float(np.mean(pairs)) if pairs else None,
        parameters=rank_correlations(np.array(parameters, dtype=np.float64), means)[0],
        seeds_agree=seed_correlation(truth.scores),
    )


def standardised(scores: Float64[np.ndarray, "G S"]) -> Float64[np.ndarray, " G"]:
    """The mean over supernets of their standardised scores; the largest number where one is missing."""
    finite = np.where(np.isfinite(scores), scores, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.nanstd(finite, axis=0)
        scaled = (finite - np.nanmean(finite, axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return np.nan_to_num(scaled.mean(axis=1), nan=LARGEST)
