"""How well do supernets rank genotypes? Inherited scores against the real trainings of a reliability run.

    advnas reliability digits --root /tmp/truth --name truth
    python -m benchmarks.ranking --truth /tmp/truth/truth/reliability/reliability.parquet

Supernets are trained as the strategy `one_shot` trains them, and stop as it stops them. Truth is the mean
logarithm of a genotype's last scores over its seeds; a genotype that diverged ranks last.
"""

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from statistics import fmean

import numpy as np
import pyarrow.parquet as pq
import torch
from jaxtyping import Float64
from scipy.stats import kendalltau, spearmanr

from orchestrator.config.experiment import load_experiment
from orchestrator.yardstick.statistics import seed_correlation
from search_space.evolution import EvolutionConfig
from search_space.genotype import Genotype
from search_space.sampling import count_parameters
from trainers.compute import set_arithmetic
from trainers.datasets.batches import Batches, StepBatch
from trainers.datasets.registry import load_images
from trainers.metrics.evaluator import Evaluator
from trainers.noise import SeededNoise
from trainers.samples import SampleGenerator
from trainers.strategies.inherited import Score, log_score
from trainers.strategies.one_shot import OneShotSearch
from trainers.strategies.one_shot_config import OneShotConfig
from trainers.strategies.strategy import SearchSetup

TOGETHER = 3
"""Supernets whose standardised scores are averaged."""


def truth_of(table: Path) -> tuple[list[Genotype], Float64[np.ndarray, "genotypes seeds"]]:
    """Genotypes, and the logarithm of the last score of every training."""
    ends: dict[str, dict[int, tuple[int, float]]] = defaultdict(dict)
    for row in pq.read_table(table).to_pylist():
        score = math.inf if row["score"] is None else row["score"]
        ends[row["genotype"]][row["seed"]] = max(
            ends[row["genotype"]].get(row["seed"], (0, 0.0)), (row["step"], score)
        )
    genotypes = [Genotype.from_rows("generator", json.loads(each)) for each in ends]
    scores = np.array([[score for _, (_, score) in sorted(seeds.items())] for seeds in ends.values()])
    return genotypes, np.log(np.minimum(scores, np.finfo(float).max))


def inherited_scores(
    search: OneShotSearch, genotypes: list[Genotype], score: Score
) -> Float64[np.ndarray, "genotypes supernets"]:
    """Logarithms, the lower the better."""
    return np.array(
        [
            [log_score(score, search.inherited(supernet, each)) for supernet in search.state.supernets]
            for each in genotypes
        ]
    )


def report(
    search: OneShotSearch,
    found: Float64[np.ndarray, "genotypes supernets"],
    means: Float64[np.ndarray, " genotypes"],
) -> None:
    """Print how each supernet, and several together, rank the real means."""
    single = [spearmanr(one, means).statistic for one in found.T]
    kendall = [kendalltau(one, means).statistic for one in found.T]
    standard = (found - found.mean(0)) / found.std(0)
    groups = list(combinations(range(found.shape[1]), min(TOGETHER, found.shape[1])))
    together = [spearmanr(standard[:, group].mean(1), means).statistic for group in groups]
    stopped = [int(supernet.progress.stopped) for supernet in search.state.supernets]
    between = [spearmanr(a, b).statistic for a, b in combinations(found.T, 2)]
    print(f"\nafter {search.state.step} steps (stopped at {stopped}; 0: still trained)")
    print(f"Spearman of each: {' '.join(f'{one:.2f}' for one in single)}; mean {fmean(single):.2f}")
    print(f"Kendall of each: {' '.join(f'{one:.2f}' for one in kendall)}")
    low, high = min(together), max(together)
    print(f"mean of {len(groups[0])}: {fmean(together):.2f}, from {low:.2f} to {high:.2f}")
    print(f"supernets agree with each other by {fmean(between):.2f}" if between else "")


def main() -> None:
    """Train, score, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="digits", help="a preset or a YAML file")
    parser.add_argument("--truth", required=True, type=Path, help="reliability.parquet")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="options of the search")
    parser.add_argument("--supernets", type=int, default=6)
    parser.add_argument("--steps", type=int, nargs="+", default=[225], help="of supernets; increasing")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path("/tmp/ranking"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    options = dict(option.split("=", 1) for option in arguments.set)
    experiment = load_experiment(arguments.config, {"search.strategy": "one_shot", **options})
    device = torch.device("cpu")
    config, retrain = experiment.search, experiment.retrain
    set_arithmetic(experiment.compute, device)
    images = load_images(experiment.data, arguments.cache)
    evaluator = Evaluator(config.evaluation, images, arguments.cache, device)
    latent_dim = retrain.generator.latent_dim

    def score(sample: SampleGenerator) -> Mapping[str, float]:
        return evaluator(sample, latent_dim)

    strategy = OneShotConfig(
        supernets=arguments.supernets, recompute=False, evolution=EvolutionConfig(random=1, children=0)
    )
    config = config.model_copy(update={"strategy": strategy, "steps": arguments.steps[-1] + 1})
    setup = SearchSetup(
        config, retrain.generator, retrain.discriminator, arguments.seed, device, experiment.compute
    )
    search = OneShotSearch(strategy, setup)
    search.use_scores(score)
    genotypes, truth = truth_of(arguments.truth)
    means = truth.mean(1)
    agree = seed_correlation(truth).value
    sizes = [count_parameters(each, retrain.generator) for each in genotypes]
    print(f"{len(genotypes)} genotypes; two seeds of a training agree by {agree:.2f}")
    print(f"parameters rank by {spearmanr(sizes, means).statistic:.2f}")
    batches = Batches(images, config.batch_size, arguments.seed)
    while search.state.step < arguments.steps[-1]:
        noise = SeededNoise(arguments.seed, search.state.step, latent_dim, device)
        search.step(StepBatch(batches, search.state.step), noise)
        if search.state.step not in arguments.steps:
            continue
        report(search, inherited_scores(search, genotypes, score), means)


if __name__ == "__main__":
    main()
