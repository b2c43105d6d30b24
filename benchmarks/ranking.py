"""How well do supernets rank genotypes? Inherited scores against the real trainings of a reliability run.

    advnas reliability digits --root /tmp/truth --name truth
    python -m benchmarks.ranking --truth /tmp/truth/truth/reliability/reliability.parquet

Supernets are trained as the strategy `one_shot` trains them, and stop as it stops them. Truth is the mean
logarithm of a genotype's last scores over its seeds; a genotype that diverged ranks last.
"""

import argparse
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from jaxtyping import Float64

from orchestrator.config.experiment import load_experiment
from orchestrator.yardstick.statistics import rank_correlations
from orchestrator.yardstick.trust import Truth, trust_in, truth_of
from search_space.evolution.config import EvolutionConfig
from search_space.genotype import Genotype
from search_space.sampling import count_parameters
from trainers.compute import set_arithmetic
from trainers.datasets.batches import Batches, StepBatch
from trainers.datasets.registry import load_images
from trainers.metrics.evaluator import Evaluator
from trainers.metrics.specs import score_names
from trainers.noise import SeededNoise
from trainers.samples import SampleGenerator
from trainers.strategies.inherited import Score, log_score
from trainers.strategies.one_shot import OneShotSearch
from trainers.strategies.one_shot_config import OneShotConfig
from trainers.strategies.strategy import SearchSetup

TOGETHER = 3
"""Supernets whose standardised scores are averaged."""


def inherited_scores(
    search: OneShotSearch, genotypes: Sequence[Genotype], score: Score
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
    truth: Truth,
    sizes: Sequence[int],
) -> None:
    """Print how each supernet, and several together, rank the real means."""
    everyone = trust_in(found, truth, sizes)
    groups = combinations(range(found.shape[1]), min(TOGETHER, found.shape[1]))
    together = [trust_in(found[:, group], truth, sizes).spearman.value for group in groups]
    kendall = [rank_correlations(one, truth.means)[1].value for one in found.T]
    single = [one.value for one in everyone.each]
    stopped = [int(supernet.progress.stopped) for supernet in search.state.supernets]
    print(f"\nafter {search.state.step} steps (stopped at {stopped}; 0: still trained)")
    print(f"Spearman of each: {' '.join(f'{one:.2f}' for one in single)}; mean {fmean(single):.2f}")
    print(f"Kendall of each: {' '.join(f'{one:.2f}' for one in kendall)}")
    low, high = min(together), max(together)
    print(f"mean of {TOGETHER}: {fmean(together):.2f}, from {low:.2f} to {high:.2f}")
    if everyone.supernets_agree is not None:
        print(f"supernets agree with each other by {everyone.supernets_agree:.2f}")
    print(everyone.sentence)


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
    metric = next(iter(score_names(retrain.evaluation)))
    truth = Truth(arguments.truth.stem, metric, *truth_of(arguments.truth, metric))
    sizes = [count_parameters(each, retrain.generator) for each in truth.genotypes]
    batches = Batches(images, config.batch_size, arguments.seed)
    while search.state.step < arguments.steps[-1]:
        noise = SeededNoise(arguments.seed, search.state.step, latent_dim, device)
        search.step(StepBatch(batches, search.state.step), noise)
        if search.state.step not in arguments.steps:
            continue
        report(search, inherited_scores(search, truth.genotypes, score), truth, sizes)


if __name__ == "__main__":
    main()
