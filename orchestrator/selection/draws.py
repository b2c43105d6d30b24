"""Regret of policies over many random pools of candidates, side by side.

The regret of one pool is one draw.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.curves import Curves, last_common_step
from orchestrator.selection.policy import select
from orchestrator.selection.recorded import RecordedCurves, settle_on
from orchestrator.selection.result import SelectionError
from orchestrator.selection.tables.wide_table import TableError
from search_space.frozen import Frozen

RESAMPLED = 2_000
"""Bootstrap samples that an interval is read off."""


class PolicyDraws(Frozen):
    """One policy over all pools. Regret: how much worse its shipped run ends than the pool's best run."""

    policy: str
    budget: float | None
    """Share of training everyone in the pool to the end, as allowed; None: as much as the rungs take."""
    rungs: tuple[int, ...]
    regret: float
    """Mean."""
    low: float
    high: float
    """95 % interval of the mean, by the bootstrap over pools."""
    percentile_90: float
    cost: float
    """Share of training everyone in the pool to the end, as used: mean."""
    failed: int
    """Pools in which nothing was chosen; they count with the regret of the pool's worst run."""


class DrawsReport(Frozen):
    """Policies on the same random pools of recorded runs."""

    metric: str
    """What the table calls the scores."""
    draws: int
    of: int
    """Genotypes in each pool."""
    among: int
    """Genotypes that pools are drawn from."""
    runs: int
    final_step: int
    policies: tuple[PolicyDraws, ...]
    notes: tuple[str, ...]


def compare_policies(
    curves: Curves, configs: Sequence[SelectionConfig], draws: int, of: int, seed: int = 0
) -> DrawsReport:
    """Let each configuration select from the same pools.

    A genotype takes part with one of its runs, drawn at random, or with as many as may be repeated.

    Raises:
        TableError: fewer genotypes than a pool takes, or rungs that were not recorded together.
        SelectionError: a budget that is too small for every policy.
    """
    settled = [settle_on(curves, config) for config in configs]
    final = max(last_common_step(curves), *(config.steps[-1] for config in settled))
    steps = sorted({final, *(step for config in settled for step in config.steps)})
    source = RecordedCurves(curves, steps)
    pools = Pools(source, of)
    drawn = list(pools.draw(draws, seed))
    compared, refused = [], []
    for config in settled:
        try:
            compared.append(_over(drawn, source, config))
        except SelectionError as error:
            refused.append(f"{config.policy} left out: {error}")
    if not compared:
        raise SelectionError(refused[0])
    return DrawsReport(
        metric=curves.metric,
        draws=draws,
        of=of,
        among=len(pools.genotypes),
        runs=int(source.whole.sum()),
        final_step=final,
        policies=tuple(compared),
        notes=(*_notes(curves, source), *refused),
    )


@dataclass(frozen=True)
class Pools:
    """Random sets of genotypes, each with its runs in random order."""

    source: RecordedCurves
    of: int

    def __post_init__(self) -> None:
        count = len(self.genotypes)
        if count < self.of:
            have = "genotype has" if count == 1 else "genotypes have"
            raise TableError(
                f"--of {self.of}: only {count} {have} a run with a score at each of "
                f"{', '.join(map(str, self.source.steps.tolist()))}; use {count} or fewer"
            )

    @property
    def genotypes(self) -> Int64[np.ndarray, " g"]:
        """The genotypes with a complete run."""
        return np.unique(self.source.genotype[self.source.whole])

    def draw(self, draws: int, seed: int) -> Iterator[list[list[int]]]:
        """The pools: the runs of each genotype, by their index."""
        random = np.random.default_rng(seed)
        whole = np.flatnonzero(self.source.whole)
        of_genotype = {
            genotype: whole[self.source.genotype[whole] == genotype] for genotype in self.genotypes.tolist()
        }
        for _ in range(draws):
            chosen = random.choice(self.genotypes, self.of, replace=False)
            yield [random.permutation(of_genotype[genotype]).tolist() for genotype in chosen.tolist()]


def _over(pools: Sequence[list[list[int]]], source: RecordedCurves, config: SelectionConfig) -> PolicyDraws:
    most = max(config.most_repeats_at(rung) for rung in range(len(config.steps)))
    ends = [_end([run for each in pool for run in each[:most]], source, config) for pool in pools]
    regrets = np.array([end.regret for end in ends])
    low, high = _interval(regrets)
    return PolicyDraws(
        policy=config.policy,
        budget=None if config.budget is None else float(config.budget),
        rungs=config.steps,
        regret=float(regrets.mean()),
        low=low,
        high=high,
        percentile_90=float(np.percentile(regrets, 90)),
        cost=float(np.mean([end.steps_trained / (len(pools[0]) * int(source.steps[-1])) for end in ends])),
        failed=sum(end.failed for end in ends),
    )


@dataclass(frozen=True)
class End:
    """The result of one pool."""

    regret: float
    steps_trained: int
    failed: bool


def _end(runs: Sequence[int], source: RecordedCurves, config: SelectionConfig) -> End:
    selection = select(source.candidates_of(runs), source, config)
    sign = 1 if config.lower_is_better else -1
    finals = sign * source.scores_of[runs, -1]
    if not np.isfinite(finals).any():
        raise SelectionError("--of: every run of a pool diverged; use larger pools")
    best = selection.best_run
    shipped = sign * source.final(best.genotype, best.seed) if best else np.nan
    failed = not np.isfinite(shipped)
    worst = float(np.nanmax(finals))
    regret = (worst if failed else float(shipped)) - float(np.nanmin(finals))
    return End(regret, selection.steps_trained, failed)


def _interval(values: Float64[np.ndarray, " n"]) -> tuple[float, float]:
    random = np.random.default_rng(0)
    means = values[random.integers(len(values), size=(RESAMPLED, len(values)))].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5)).tolist()
    return low, high


def _notes(curves: Curves, source: RecordedCurves) -> Iterator[str]:
    for what, count in (
        ("rows that repeat another", curves.duplicates),
        ("rows of step 0, before any training", curves.untrained),
        ("runs without a score at one of the steps compared", int((~source.whole).sum())),
    ):
        if count:
            yield f"{what}: {count:,}, left out"
