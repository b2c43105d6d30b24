"""The report on synthetic curves whose ranks agree with the final ones as those of real GANs were seen to."""

import time
from pathlib import Path

import numpy as np
import pytest

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.curves import Curves
from orchestrator.selection.replay import ReplayReport, replay, replay_curves
from orchestrator.selection.tables.table import Columns
from tests.orchestrator.selection.tables import write_csv

AGREEMENT = {0.08: 0.55, 0.20: 0.76, 1 / 3: 0.86, 0.40: 0.91, 1.0: 1.0}
"""Share of the training -> rank correlation of FID there with the final one."""

STEPS = {share: round(share * 90_000) for share in AGREEMENT}
GENOTYPES = 1000


def known_curves(seeds: int = 1, noise: float = 0.0) -> Curves:
    """Normal scores of which the early ones correlate with the final ones as ranks do in AGREEMENT."""
    random = np.random.default_rng(0)
    # Pearson's correlation of normals whose ranks correlate so much.
    pearson = 2 * np.sin(np.pi / 6 * np.array(list(AGREEMENT.values())))
    final, early = random.normal(size=(2, GENOTYPES, 1))
    quality = pearson * final + np.sqrt(1 - pearson**2) * early
    scores = 30 + 4 * (quality[:, None] + noise * random.normal(size=(GENOTYPES, seeds, 1)))
    index = np.indices(scores.shape)
    return Curves.of(
        Columns(
            texts=[f"[[{number}]]" for number in range(GENOTYPES)],
            genotype=index[0].ravel(),
            seed=index[1].ravel(),
            step=np.array(list(STEPS.values()))[index[2].ravel()],
            score=scores.ravel(),
        )
    )


@pytest.fixture(scope="module")
def report() -> ReplayReport:
    config = SelectionConfig(rungs=tuple(STEPS.values()), keep=(1 / 3, 0.5, 0.5, 0.5), max_repeats=1)
    return replay_curves(known_curves(), config)


def test_rank_correlations_are_those_that_were_put_in(report: ReplayReport) -> None:
    found = [rung.rank_correlation for rung in report.rungs]
    assert found == pytest.approx(list(AGREEMENT.values()), abs=0.04)


def test_the_best_third_after_8_percent_keeps_about_9_of_the_best_10(report: ReplayReport) -> None:
    # Expected for normals: 0.9, with a deviation of 0.1 over tables.
    assert report.rungs[0].best_kept == pytest.approx(0.9, abs=0.11)


def test_the_choice_is_near_the_best_for_a_fraction_of_the_training(report: ReplayReport) -> None:
    assert report.choice_place is not None
    assert report.choice_place <= 5
    # By hand: (1000 * 0.08 + 333 * 0.12 + 167 * 0.1333 + 84 * 0.0667 + 42 * 0.6) / 1000.
    assert 1 - report.saved == pytest.approx(0.173, abs=0.001)


def test_repeats_lower_the_regret_where_seeds_differ() -> None:
    curves = known_curves(seeds=5, noise=1.0)
    regrets = {
        most: replay_curves(
            curves, SelectionConfig(rungs=(STEPS[0.40], STEPS[1.0]), max_repeats=(1, most))
        ).regret
        for most in (1, 5)
    }
    assert regrets[1] is not None
    assert regrets[5] is not None
    assert regrets[5] < regrets[1] / 2


def test_a_table_of_150_000_rows_takes_seconds(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = [
        (f"[[{genotype}, 1, 2], [3, 4, 5]]", seed, step * 100, score)
        for genotype in range(1000)
        for seed in range(3)
        for step, score in enumerate(random.normal(50, 5, size=50).tolist(), start=1)
    ]
    path = write_csv(tmp_path / "t.csv", rows)
    start = time.process_time()
    report = replay(path)
    # About 1 s alone on one core; the rest is for machines that do other things too.
    assert time.process_time() - start < 6
    assert report.runs == 3000
