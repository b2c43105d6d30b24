"""The settings of a selection: when candidates are compared, how many continue, how often each is trained."""

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from search_space.frozen import Frozen
from search_space.zoo.published import PUBLISHED

Number = TypeVar("Number", int, float)


def _listed(value: Any) -> Any:
    """Accept a single value as a list of one."""
    return (value,) if isinstance(value, int | float) else value


def _all_shares(values: Any) -> Any:
    """Where one rung is a share of the training, 1 is all of it and not the first step."""
    if isinstance(values, list | tuple) and any(isinstance(one, float) and one < 1 for one in values):
        return tuple(map(float, values))
    return values


def _is_share(rung: float) -> bool:
    return isinstance(rung, float)


def _rung(value: int | float) -> int | float:
    if _is_share(value) and value > 1:
        if value != int(value):
            raise ValueError(f"{value:g} is neither a share of the training, up to 1.0, nor a step")
        return int(value)
    return value


Rungs = Annotated[
    tuple[Annotated[PositiveInt | PositiveFloat, AfterValidator(_rung)], ...],
    BeforeValidator(_all_shares),
    BeforeValidator(_listed),
    Field(min_length=1),
]
Share = Annotated[float, Field(gt=0, lt=1)]
Counts = Annotated[tuple[PositiveInt, ...], BeforeValidator(_listed), Field(min_length=1)]
Shares = Annotated[tuple[PositiveFloat, ...], BeforeValidator(_listed), Field(min_length=1)]


THIRD = (1 / 3,)
"""The default share of candidates that continue."""


class SelectionConfig(Frozen):
    """All candidates are trained a little, the better ones go on, one is chosen; the policy says how.

    `keep`, `repeats` and `max_repeats` take one value for all rungs, or one for each.
    """

    policy: str = "halving"
    """halving, asha, random, full or freeze_thaw; see docs/selection.md."""
    rungs: Rungs | None = None
    """Where candidates are compared, increasing: training steps, or shares of the training (1.0: its end).
    The last comparison decides. null: those that suit the policy."""
    measured_rungs: bool | None = None
    """Whether halving and asha leave out rungs that a reliability run of the recipe has found too early, with
    the values of `keep`, `repeats` and `max_repeats` for them; null: where `rungs` is null. See
    docs/selection.md."""
    keep: Shares | None = None
    """Which candidates continue after each rung but the last: below 1 a share of those at the rung, else a
    number. null: the policy's own shares for its own rungs, a third for given rungs."""
    min_keep: PositiveInt = 2
    """The smallest number of candidates that continue after a rung, and that finish. If one collapses at
    the last rung, the next best takes its place."""
    repeats: Counts = (1,)
    """Number of training runs of every candidate at a rung, each with a seed of its own."""
    max_repeats: Counts = (3,)
    """Largest number of runs of candidates within noise of the cut or, at the last rung, of the best.
    Candidates are repeated beyond `repeats` only if this number is larger."""
    separation: float = Field(default=2.0, gt=0, le=5)
    """Number of standard errors between two means that counts as a difference. If few runs show the noise,
    Student's t requires more, at the same risk."""
    metric: str = Field(default="score", min_length=1)
    """The score that is compared."""
    lower_is_better: bool = True
    """Whether the lowest score is the best; false for scores such as the Inception score."""
    divergence_multiple: Annotated[float, Field(gt=1)] | None = 5.0
    """A run whose score is this many times worse than the median of its rung counts as diverged. null: only
    a run without a finite score does. Scores with a median of zero or below have no such multiple."""
    budget: PositiveInt | Share | None = None
    """Largest number of steps of all runs together; below 1, a share of the cost of training every
    candidate to the last rung. If `keep` is a share, the budget may reduce the number of candidates that
    continue."""
    batch: PositiveInt = 1
    """Number of trainings that asha and freeze_thaw decide on at once. halving always decides on a whole
    rung."""

    @model_validator(mode="after")
    def _rungs_increase(self) -> "SelectionConfig":
        rungs = self.rungs or ()
        if len(set(map(_is_share, rungs))) > 1:
            raise ValueError("rungs: give training steps, or shares of the training, not both")
        if any(later <= earlier for earlier, later in pairwise(rungs)):
            raise ValueError("rungs: must increase, each a number of training steps or a share of them")
        return self

    @model_validator(mode="after")
    def _one_value_or_one_a_rung(self) -> "SelectionConfig":
        if self.rungs is None:
            return self
        rungs = len(self.rungs)
        for name, values, expected in (
            ("keep", self.keep or THIRD, rungs - 1),
            ("repeats", self.repeats, rungs),
            ("max_repeats", self.max_repeats, rungs),
        ):
            if len(values) not in (1, expected):
                which = "rung but the last" if name == "keep" else "rung"
                raise ValueError(f"{name}: give one value, or one for each {which} ({expected})")
        return self

    @model_validator(mode="after")
    def _keeps_are_shares_or_counts(self) -> "SelectionConfig":
        for share in self.keep or ():
            if share >= 1 and share != int(share):
                raise ValueError(f"keep: {share} is neither a share below 1 nor a whole number of candidates")
            if 1 <= share < self.min_keep:
                raise ValueError(
                    f"keep: {int(share)} is below min_keep; use {self.min_keep} or lower min_keep"
                )
        return self

    @property
    def steps(self) -> tuple[int, ...]:
        """The rungs as training steps, once they are settled."""
        assert self.rungs is not None, "rungs are settled before anything is trained"
        assert not any(map(_is_share, self.rungs)), "shares are settled before anything is trained"
        return tuple(map(int, self.rungs))

    def settled(self, step_at: Callable[[float], int], suitable: tuple[float, ...]) -> tuple[int, ...]:
        """Rungs in steps, by what step a share of the training is; `suitable` shares where none are given.

        Several shares may be one step, where trainings are short or few steps were recorded.
        """
        rungs = suitable if self.rungs is None else self.rungs
        return tuple(step_at(rung) if _is_share(rung) else int(rung) for rung in rungs)

    def repeats_at(self, rung: int) -> int:
        """Runs of every candidate at a rung, counted from 0."""
        return _at(self.repeats, rung)

    def most_repeats_at(self, rung: int) -> int:
        """Runs that a candidate within noise may get at a rung, counted from 0."""
        return max(_at(self.max_repeats, rung), self.repeats_at(rung))

    def is_last(self, rung: int) -> bool:
        """Whether the rung, counted from 0, is followed by no cut."""
        return rung == len(self.steps) - 1

    def keeps(self, rung: int, candidates: int) -> int:
        """Number of candidates that continue after a rung, counted from 0; all continue after the last."""
        if self.is_last(rung):
            return candidates
        share = _at(self.keep or THIRD, rung)
        count = int(share) if share >= 1 else int(share * candidates + 0.5)
        return min(max(count, self.min_keep), candidates)


def _at(values: tuple[Number, ...], rung: int) -> Number:
    return values[0] if len(values) == 1 else values[rung]


class SelectStage(SelectionConfig):
    """Short trainings of candidates, with the recipe and the networks of `retrain`.

    `metric` is a value as the evaluation of retraining reports it (`fid`, `fd_digits`, ...); `score` stands
    for its first.
    """

    searches: tuple[str, ...] = ()
    """Runs in `root` that have searched, or genotype files; a pipeline adds its own search. []: the search
    of the run itself."""
    retrain: bool | None = None
    """Whether a pipeline trains the choice again from scratch. null: only if the last rung is not the end
    of the training, so that there is no finished generator."""
    max_parameters: PositiveInt | None = None
    """Largest number of parameters of the generator at the width of retraining; larger candidates do not
    take part. null: no limit."""
    max_multiply_adds: PositiveInt | None = None
    """Largest number of multiply-adds for one image; costlier candidates do not take part. null: no
    limit."""
    max_latency: PositiveFloat | None = None
    """Seconds for one image on the processor of the machine that starts the selection, measured once; slower
    candidates do not take part. null: no limit."""
    limit: PositiveInt = 8
    """Largest number of candidates from one search: the distinct genotypes that it derived last."""
    random: NonNegativeInt = 0
    """Number of genotypes that are drawn at random, as a baseline."""
    zoo: tuple[str, ...] = ()
    """Names of published genotypes that take part too."""
    concurrent: PositiveInt | None = 1
    """Number of trainings at once. More than one run as tasks on Ray; null: as many as the cluster
    holds."""

    @field_validator("zoo")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = [name for name, entry in PUBLISHED.items() if entry.genotype.network == "generator"]
        for name in names:
            if name not in known:
                raise ValueError(f"no published generator is called {name!r}; known: {', '.join(known)}")
        return names
