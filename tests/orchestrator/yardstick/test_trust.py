"""How far inherited scores can be trusted: against correlations by hand and simulated truths."""

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestrator.config.experiment import with_overrides
from orchestrator.selection.curves import genotype_id
from orchestrator.yardstick.statistics import rank_correlations
from orchestrator.yardstick.trust import Truth, known_truth, trust_in, truth_of
from search_space.sampling import sample_genotype
from tests.orchestrator.tiny_jobs import tiny_job
from tests.orchestrator.yardstick.reliable import measured, save_measured

GENOTYPES = [sample_genotype("generator", seed) for seed in range(8)]
RANKS = np.arange(8.0)


def test_correlations_are_those_by_hand():
    """Of 1 2 3 4 5 with 2 1 4 3 5: squared differences of ranks sum to 4; 8 of 10 pairs agree, 2 do not."""
    spearman, kendall = rank_correlations(np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 1, 4, 3, 5]))
    assert spearman.value == pytest.approx(1 - 6 * 4 / (5 * 24))
    assert kendall.value == pytest.approx((8 - 2) / 10)


def test_intervals_are_the_published_ones():
    """Of 24 pairs: z +- 1.96 sqrt((1 + r^2 / 2) / 21) and z +- 1.96 sqrt(0.437 / 20)."""
    random = np.random.default_rng(3)
    one = random.standard_normal(24)
    spearman, kendall = rank_correlations(one, one + random.standard_normal(24))
    error = math.sqrt((1 + spearman.value**2 / 2) / 21)
    assert spearman.low == pytest.approx(math.tanh(math.atanh(spearman.value) - 1.959964 * error), abs=1e-6)
    assert kendall.high == pytest.approx(
        math.tanh(math.atanh(kendall.value) + 1.959964 * math.sqrt(0.437 / 20)), abs=1e-6
    )


@pytest.mark.parametrize("kind", [0, 1])
def test_intervals_cover_as_often_as_they_say(kind):
    """Normal pairs of correlation 0.6: Spearman's is 6/pi asin(0.3), Kendall's 2/pi asin(0.6)."""
    truth = (6 / math.pi * math.asin(0.3), 2 / math.pi * math.asin(0.6))[kind]
    random, covered = np.random.default_rng(0), 0
    for _ in range(400):
        one, noise = random.standard_normal((2, 24))
        found = rank_correlations(one, 0.6 * one + 0.8 * noise)[kind]
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / 400 <= 0.98


def truth_with(scores) -> Truth:
    return Truth("yard", "fd_digits", GENOTYPES, np.array(scores, dtype=float))


def test_supernets_are_judged_together_and_one_by_one():
    truth = truth_with(np.stack([RANKS, RANKS], axis=1))
    found = trust_in(np.stack([RANKS, 100 * RANKS[::-1]], axis=1), truth, [1] * 8)
    assert [one.value for one in found.each] == [1.0, -1.0]
    assert found.supernets_agree == -1.0
    assert found.spearman.value == 0.0, "standardised, they cancel each other"
    assert found.parameters.value == 0.0
    assert found.seeds_agree.value == 1.0
    assert "not shown to be better than chance" in found.sentence
    sure = trust_in(RANKS[:, None], truth, range(8))
    assert sure.supernets_agree is None
    assert "by 1.00" in sure.sentence
    assert "rank" in sure.sentence
    assert sure.metrics["trust_kendall"] == pytest.approx(1.0)


def test_a_genotype_without_an_inherited_score_ranks_last():
    truth = truth_with(np.stack([RANKS, RANKS], axis=1))
    scores = np.stack([RANKS, RANKS], axis=1)
    scores[7, 0] = np.nan
    assert trust_in(scores, truth, [1] * 8).spearman.value == 1.0
    scores[7, 0], scores[0, 1] = 7.0, np.nan
    assert trust_in(scores, truth, [1] * 8).spearman.value == pytest.approx(1 - 6 * (49 + 7) / (8 * 63))


def write_table(path):
    """Two seeds, two steps; the last step counts, and the last genotype's first run diverged."""
    rows = [
        {
            "genotype": genotype_id(genotype),
            "seed": seed,
            "step": step,
            "score": None if (number, seed) == (7, 0) else float(10 + number + seed + 100 * (step == 1)),
        }
        for number, genotype in enumerate(GENOTYPES)
        for seed in (0, 1)
        for step in (2, 1)
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)


def test_the_truth_is_the_end_of_every_training_and_what_diverged_is_last(tmp_path):
    write_table(tmp_path / "table.parquet")
    genotypes, scores = truth_of(tmp_path / "table.parquet", "fd_digits")
    assert [one.content_hash for one in genotypes] == [one.content_hash for one in GENOTYPES]
    assert scores[2].tolist() == pytest.approx([math.log(12), math.log(13)])
    assert scores[7, 0] > 700
    _, of_inception_scores = truth_of(tmp_path / "table.parquet", "is_mean")
    assert of_inception_scores[2].tolist() == pytest.approx([-math.log(12), -math.log(13)])


def test_a_reliability_run_of_the_same_recipe_is_found_and_no_other(tmp_path):
    experiment = with_overrides(tiny_job(tmp_path).experiment, {"retrain.evaluation.every": 1})
    assert known_truth(experiment) is None
    folder = save_measured(experiment, "yard", measured((0.5, 0.9)))
    assert known_truth(experiment) is None, "its table is missing"
    write_table(folder / "reliability.parquet")
    found = known_truth(experiment)
    assert found is not None
    assert (found.run, found.metric, len(found.genotypes)) == ("yard", "fd_digits", 8)
    assert known_truth(with_overrides(experiment, {"retrain.steps": 9})) is None
    assert json.loads((folder / "reliability.json").read_text())["metric"] == "fd_digits"
