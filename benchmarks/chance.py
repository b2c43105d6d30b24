"""Does the search beat chance? Genotypes that it found and random ones, under the same retraining budget.

    python -m benchmarks.chance --root /tmp/chance                   # digits: 3 searches, 8 random, 2 seeds
    python -m benchmarks.chance --root /tmp/chance --steps 500 1500  # with the same root it goes on

Every genotype is retrained once with each seed and scored where training ends, never at its best step. A
search gives what it derived last, so that nobody chooses. Random genotypes are uniform over the valid ones.
Where two seeds of a genotype agree too little (rank correlation below 0.4), there is no verdict: measure the
recipe by `advnas reliability` first.
scores.csv in the root can be replayed: advnas select --replay scores.csv.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, median

import numpy as np
from scipy.stats import mannwhitneyu

from orchestrator.cluster.launch import launch
from orchestrator.config.experiment import Experiment, load_experiment, with_overrides
from orchestrator.config.reliability import FEWEST_GENOTYPES, FEWEST_SEEDS
from orchestrator.console.console import Console, quiet
from orchestrator.jobs.job import Job
from orchestrator.jobs.scores import deviation, pooled
from orchestrator.selection.candidates import Named
from orchestrator.selection.curves import genotype_id, short_name
from orchestrator.selection.journal import Journal, Remembered
from orchestrator.selection.live import LiveCurves, one_after_another
from orchestrator.selection.result import Request
from orchestrator.yardstick.statistics import seed_correlation
from search_space.sampling import sample_genotype
from trainers.noise import seed_for

SEARCHED, RANDOM = "search", "random"
LEAST_AGREEMENT = 0.4
"""Rank correlation between seeds below which scores do not tell genotypes apart."""


def agreement(values: Mapping[str, Sequence[float]]) -> float | None:
    """Rank correlation between seeds; None where there are too few of them, or too few genotypes."""
    scores = np.minimum(list(values.values()), sys.float_info.max)  # the worst rank for one without a score
    if scores.shape[1] < FEWEST_SEEDS or len(scores) < FEWEST_GENOTYPES:
        return None
    return seed_correlation(np.log(scores)).value


def searched(experiment: Experiment, seeds: Sequence[int], console: Console) -> Iterator[Named]:
    """What the search derives last, with each seed."""
    for seed in seeds:
        job = Job(
            "search", with_overrides(experiment, {"seed": seed}), {}, experiment.folder / f"search-{seed}"
        )
        with console.stage(f"search, seed {seed}", job.config.steps) as view:
            yield f"{SEARCHED} {seed}", launch(job, view.report).genotypes["generator"]


def drawn(count: int) -> Iterator[Named]:
    """Random genotypes, always the same."""
    for number in range(count):
        yield f"{RANDOM} {number}", sample_genotype("generator", seed_for(0, "chance", number))


def report(names: Mapping[str, str], scores: Mapping[Request, float | None], step: int) -> dict[str, object]:
    """Ranks, means and deviations after so many steps; a run without a score counts as infinitely bad."""
    values: dict[str, list[float]] = {name: [] for name in names.values()}
    for request, score in scores.items():
        values[names[request.genotype]].append(math.inf if score is None else score)
    ranked = sorted(values, key=lambda name: fmean(values[name]))
    print(f"\nafter {step} steps\nrank  genotype   mean   deviation  scores")
    for rank, name in enumerate(ranked, start=1):
        listed = " ".join(f"{value:.1f}" for value in values[name])
        spread = deviation(values[name]) or 0.0
        print(f"{rank:>4}  {name:<9} {fmean(values[name]):>6.1f} {spread:>10.1f}  {listed}")
    found = [fmean(values[name]) for name in values if name.startswith(SEARCHED)]
    random = [fmean(values[name]) for name in values if name.startswith(RANDOM)]
    for kind, means in ((SEARCHED, found), (RANDOM, random)):
        ranks = [rank for rank, name in enumerate(ranked, start=1) if name.startswith(kind)]
        middle = f"deviation over genotypes {deviation(means) or 0.0:.1f}, median {median(means):.1f}"
        print(f"{kind}: mean {fmean(means):.1f}, {middle}, ranks {ranks}")
    agree = agreement(values)
    if agree is None or agree < LEAST_AGREEMENT:
        told = "are too few" if agree is None else f"agree by {agree:.2f}"
        print(
            f"no verdict: seeds {told}, at least {LEAST_AGREEMENT} is needed; `advnas reliability` says why"
        )
        return {"step": step, "scores": values, "ranked": ranked, "agreement": agree}
    test = mannwhitneyu(found, random, alternative="less", method="exact")
    wins = 1 - test.statistic / (len(found) * len(random))
    print(f"a searched genotype beats a random one in {wins:.0%} of pairs; chance alone does as well with")
    print(f"probability {test.pvalue:.2f}; deviation over seeds {pooled(values.values()).deviation}")
    return {
        "step": step,
        "scores": values,
        "ranked": ranked,
        "agreement": agree,
        "wins": wins,
        "p": float(test.pvalue),
    }


def main() -> None:
    """Search, draw, retrain all, report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="digits_adversarial", help="a preset or a YAML file")
    parser.add_argument("--root", required=True, type=Path)
    parser.add_argument("--searches", type=int, default=3)
    parser.add_argument("--random", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=2, help="retrainings of each genotype")
    parser.add_argument("--steps", type=int, nargs="+", default=[500], help="of a retraining; increasing")
    arguments = parser.parse_args()
    quiet()
    root, console = arguments.root.absolute(), Console()
    changes = {"root": str(root), "retrain.steps": arguments.steps[-1]}
    experiment = with_overrides(load_experiment(arguments.config), changes)
    found = [*searched(experiment, range(arguments.searches), console), *drawn(arguments.random)]
    candidates = {genotype_id(genotype): (name, genotype) for name, genotype in found}
    names = {id: name for id, (name, _) in candidates.items()}
    for id, name in names.items():
        console.say(f"{name}: {short_name(id)}")
    metric = f"fd_{experiment.retrain.evaluation.extractor}"
    journal = Journal(root / "scores.csv")
    train = one_after_another(launch, console)
    live = LiveCurves(experiment, candidates, root, metric, journal, console, train)
    for step in arguments.steps:
        # Seed by seed, so that an interrupted comparison is still a fair one.
        asked = [Request(id, seed, step) for seed in range(arguments.seeds) for id in candidates]
        result = report(names, Remembered(live, journal).scores(asked), step)
        (root / f"result-{step}.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
