"""Are searched genotypes better than random ones? Reads a selection that trained both to the end.

    advnas search digits --name s1 --seed 3001 --search.strategy one_shot ...       # more of them: more power
    advnas select digits --name worth --seed 3003 --select.policy full --select.searches '[s1]'
        --select.random 24 --select.repeats 2 --select.max_repeats 2 --select.concurrent null
    python -m benchmarks.worth --root runs --name worth --seed 3003 --searches s1 --random 24

Scores are means over seeds of the logarithm of each run's last score; a run that diverged is the worst. The
test is Mann-Whitney's, exact and one-sided. Size-matched: the same test of what is left of the scores after a
line through the random genotypes' logarithms of parameters.
"""

import argparse
import math
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from scipy.stats import linregress, mannwhitneyu, spearmanr

from orchestrator.config.experiment import load_experiment, with_overrides
from orchestrator.selection.candidates import RANDOM, collect
from orchestrator.selection.journal import SCORES_FILE, Journal
from orchestrator.selection.plan import select_stage
from orchestrator.yardstick.statistics import seed_correlation
from search_space.sampling import count_parameters

WORST = math.log(np.finfo(float).max)

Scores = Float64[np.ndarray, "genotypes seeds"]


def logarithms(journal: Journal, order: list[str]) -> Scores:
    """The logarithms of the last scores, a row a genotype; all genotypes have equally many seeds."""
    step = max(request.step for request in journal.known)
    rows = {
        id: [
            WORST if score is None else math.log(score)
            for request, score in sorted(journal.known.items())
            if request.genotype == id and request.step == step
        ]
        for id in order
    }
    return np.array([rows[id] for id in order])


def verdict(found: Float64[np.ndarray, " m"], random: Float64[np.ndarray, " n"]) -> str:
    """Ratio of geometric means, share of pairs won, p."""
    test = mannwhitneyu(found, random, alternative="less", method="exact")
    won = 1 - test.statistic / (len(found) * len(random))
    ratio = math.exp(found.mean() - random.mean())
    return f"x {ratio:.2f}, {won:.0%} of pairs won, p = {test.pvalue:.4f}"


def report(names: list[str], scores: Scores, sizes: Float64[np.ndarray, " genotypes"]) -> None:
    """Print every genotype, then the verdicts."""
    means = scores.mean(1)
    print(f"{'genotype':<24} {'parameters':>10}  scores of the seeds")
    for row in np.argsort(means):
        listed = " ".join(f"{one:.1f}" for one in np.exp(scores[row]))
        print(f"{names[row]:<24} {sizes[row]:>10,.0f}  {listed}")
    is_random = np.array([name.startswith(RANDOM) for name in names])
    found, random = means[~is_random], means[is_random]
    line = linregress(np.log(sizes[is_random]), random)
    left = means - line.slope * np.log(sizes)
    middles = f"{math.exp(found.mean()):.1f} and {math.exp(random.mean()):.1f}"
    print(f"\nfound {len(found)}, random {len(random)}; geometric means {middles}")
    if scores.shape[1] > 1:
        print(f"seeds of the random ones agree by {seed_correlation(scores[is_random]).value:.2f}")
    print(f"parameters rank the random ones by {spearmanr(sizes[is_random], random).statistic:.2f}")
    print(f"found against random: {verdict(found, random)}")
    print(f"size-matched: {verdict(left[~is_random], left[is_random])}")
    for origin in sorted({name.split(" step")[0] for name in names if not name.startswith(RANDOM)}):
        rows = [name.split(" step")[0] == origin for name in names]
        print(f"{origin} alone: {verdict(means[rows], random)}")


def main() -> None:
    """Read, report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="digits", help="a preset or a YAML file")
    parser.add_argument("--root", type=Path, default=Path("runs"))
    parser.add_argument("--name", required=True, help="of the selection; --seed, --searches and so on too")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--searches", nargs="+", required=True)
    parser.add_argument("--random", type=int, required=True)
    parser.add_argument("--limit", type=int, default=8)
    arguments = parser.parse_args()
    chosen = {name: getattr(arguments, name) for name in ("searches", "random", "limit")}
    changes = {"root": str(arguments.root.absolute()), "seed": arguments.seed}
    options = {f"select.{name}": value for name, value in {**chosen, "policy": "full"}.items()}
    experiment = with_overrides(load_experiment(arguments.config), {**changes, **options})
    folder, select = arguments.root / arguments.name, select_stage(experiment)
    candidates = collect(select, experiment.folder, None, experiment.seed, experiment.search.space)
    journal = Journal(folder / "select" / SCORES_FILE)
    order = list(candidates)
    sizes = [count_parameters(candidates[id][1], experiment.retrain.generator) for id in order]
    report(
        [candidates[id][0] for id in order],
        logarithms(journal, order),
        np.array(sizes, dtype=float),
    )


if __name__ == "__main__":
    main()
