"""Advice on a recipe, by rules on the measured figures."""

from collections.abc import Callable, Iterator

from orchestrator.config.stages import RetrainStage
from orchestrator.yardstick.measured import Measured
from orchestrator.yardstick.statistics import seeds_for

WEAK = 0.6
"""Correlation between seeds below which a recipe should change before its verdicts are believed."""
RELIABLE = 0.8
"""What a mean over seeds should reach: the share of its variance that is the genotype's."""
MANY_COLLAPSES = 0.1
TREND = 0.1
"""In logarithms: medians that change by more over a part of the training have a trend there."""
WIDE = 0.8
"""An interval of a correlation that says too little."""
QUIET = 0.1
"""Deviation over seeds, in logarithms, at which the error of some thousand samples begins to count."""
MANY_SAMPLES = 10_000

Rule = Callable[[Measured, RetrainStage], str | None]


def advice(measured: Measured, recipe: RetrainStage) -> tuple[str, ...]:
    """What would tell genotypes apart better, the most urgent first; one line if nothing has to change."""
    found = tuple(_applied(measured, recipe))
    return found or ("nothing has to change: a single run of each genotype is a fair comparison",)


def _applied(measured: Measured, recipe: RetrainStage) -> Iterator[str]:
    for rule in RULES:
        if text := rule(measured, recipe):
            yield text


def _stabler(measured: Measured, recipe: RetrainStage) -> str | None:
    if measured.collapsed <= MANY_COLLAPSES:
        return None
    clip = "" if recipe.clip_gradient_norm else ", or set retrain.clip_gradient_norm"
    return (
        f"stabler: {measured.collapsed:.0%} of the runs collapsed; lower the learning rates of retrain{clip}"
    )


def _annealed(measured: Measured, recipe: RetrainStage) -> str | None:
    if measured.correlation.value >= WEAK or recipe.lr_decay != "none":
        return None
    return (
        "annealed: rates that stay constant end at a random point of an oscillation; set retrain.lr_decay "
        "linear, with retrain.lr_decay_from 0.5"
    )


def _shorter(measured: Measured, _recipe: RetrainStage) -> str | None:
    best = measured.best_step
    loss = measured.worse_than(best)
    if loss <= TREND:
        return None
    return (
        f"shorter, or more images: the median {measured.metric} was best at step {best:,} and is "
        f"{loss:.0%} worse at the end; the discriminator may know the images by heart"
    )


def _longer(measured: Measured, recipe: RetrainStage) -> str | None:
    late = measured.steps[len(measured.steps) * 2 // 3 - 1]
    improving = measured.worse_than(late) < -TREND
    if measured.correlation.value >= WEAK or not improving:
        return None
    return (
        f"longer: the median {measured.metric} still improves by {-measured.worse_than(late):.0%} after step "
        f"{late:,}; try retrain.steps {2 * recipe.steps}"
    )


def _more_seeds(measured: Measured, _recipe: RetrainStage) -> str | None:
    share = measured.intraclass.value
    if share >= RELIABLE:
        return None
    seeds = seeds_for(share, RELIABLE)
    if seeds is None:
        return "another recipe first: genotypes differ no more than seeds do, which no number of seeds mends"
    return f"more seeds: {RELIABLE:.0%} of the variance of a mean over {seeds} seeds would be the genotype's"


def _more_samples(measured: Measured, recipe: RetrainStage) -> str | None:
    samples = recipe.evaluation.samples
    if measured.deviation >= QUIET or samples >= MANY_SAMPLES:
        return None
    return f"more samples: with so little noise, that of {samples:,} samples counts; try {10 * samples:,}"


def _more_genotypes(measured: Measured, _recipe: RetrainStage) -> str | None:
    _, low, high = measured.correlation
    if high - low <= WIDE:
        return None
    return (
        f"more genotypes: the correlation between seeds may be anything from {low:.2f} to {high:.2f}; try "
        f"reliability.genotypes {2 * measured.genotypes}, the runs there are stay"
    )


RULES: tuple[Rule, ...] = (
    _stabler,
    _annealed,
    _shorter,
    _longer,
    _more_seeds,
    _more_samples,
    _more_genotypes,
)
