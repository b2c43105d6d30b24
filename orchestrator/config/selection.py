"""How candidates are compared: at which steps, how many go on, how often each is trained."""

from typing import Annotated, Any, TypeVar

from pydantic import (
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
    """A single value stands for a list of one."""
    return (value,) if isinstance(value, int | float) else value


Counts = Annotated[tuple[PositiveInt, ...], BeforeValidator(_listed), Field(min_length=1)]
Shares = Annotated[tuple[PositiveFloat, ...], BeforeValidator(_listed), Field(min_length=1)]


class SelectionConfig(Frozen):
    """Successive halving: all candidates are trained a little, the better ones go on.

    `keep`, `repeats` and `max_repeats` take one value for all rungs, or one for each.
    """

    rungs: tuple[PositiveInt, ...] = Field(min_length=1)
    """Training steps at which candidates are compared, increasing. The last comparison decides."""
    keep: Shares = (1 / 3,)
    """Who goes on from each rung but the last: below 1 a share of those who stand there, else a count."""
    min_keep: PositiveInt = 2
    """Fewest who go on, however few stand."""
    repeats: Counts = (1,)
    """Training runs, each with a seed of its own, of every candidate at a rung."""
    max_repeats: Counts = (3,)
    """Runs up to which those within noise of the cut, or of the best at the last rung, are repeated; no
    repeats beyond `repeats` where it is not more."""
    separation: float = Field(default=2.0, gt=0, le=5)
    """Standard errors between two means that tell them apart. Where few runs show the noise, Student's t
    asks for more, at the same risk."""
    metric: str = Field(default="score", min_length=1)
    """The score that is compared."""
    lower_is_better: bool = True
    """Whether the lowest score is the best; false for scores such as the Inception score."""
    divergence_multiple: Annotated[float, Field(gt=1)] | None = 5.0
    """A run this many times worse than its rung's median score has diverged; null: only one without a finite
    score. Scores with a median of zero or below have no such multiple."""
    budget: PositiveInt | None = None
    """Most steps to train in all runs together; repeats end where they would exceed it."""

    @model_validator(mode="after")
    def _rungs_increase(self) -> "SelectionConfig":
        if any(later <= earlier for earlier, later in zip(self.rungs, self.rungs[1:], strict=False)):
            raise ValueError("rungs: must increase, each a number of training steps")
        return self

    @model_validator(mode="after")
    def _one_value_or_one_a_rung(self) -> "SelectionConfig":
        rungs = len(self.rungs)
        for name, values, expected in (
            ("keep", self.keep, rungs - 1),
            ("repeats", self.repeats, rungs),
            ("max_repeats", self.max_repeats, rungs),
        ):
            if len(values) not in (1, expected):
                which = "rung but the last" if name == "keep" else "rung"
                raise ValueError(f"{name}: give one value, or one for each {which} ({expected})")
        return self

    @model_validator(mode="after")
    def _keeps_are_shares_or_counts(self) -> "SelectionConfig":
        for share in self.keep:
            if share >= 1 and share != int(share):
                raise ValueError(f"keep: {share} is neither a share below 1 nor a whole number of candidates")
            if 1 <= share < self.min_keep:
                raise ValueError(
                    f"keep: {int(share)} is below min_keep; use {self.min_keep} or lower min_keep"
                )
        return self

    def repeats_at(self, rung: int) -> int:
        """Runs of every candidate at a rung, counted from 0."""
        return _at(self.repeats, rung)

    def most_repeats_at(self, rung: int) -> int:
        """Runs that a candidate within noise may get at a rung, counted from 0."""
        return max(_at(self.max_repeats, rung), self.repeats_at(rung))

    def is_last(self, rung: int) -> bool:
        """Whether the rung, counted from 0, is followed by no cut."""
        return rung == len(self.rungs) - 1

    def keeps(self, rung: int, standing: int) -> int:
        """How many of those standing go on after a rung, counted from 0; all of them from the last."""
        if self.is_last(rung):
            return standing
        share = _at(self.keep, rung)
        count = int(share) if share >= 1 else int(share * standing + 0.5)
        return min(max(count, self.min_keep), standing)


def _at(values: tuple[Number, ...], rung: int) -> Number:
    return values[0] if len(values) == 1 else values[rung]


class SelectStage(SelectionConfig):
    """Short trainings of candidates, with the recipe and the networks of `retrain`.

    `metric` is a value as the evaluation of retraining reports it (`fid`, `fd_digits`, ...); `score` stands
    for its first.
    """

    searches: tuple[str, ...] = ()
    """Runs of `root` that have searched, or genotype files; a pipeline adds its own search. []: the search
    of the run itself."""
    limit: PositiveInt = 8
    """Most candidates from one search: the distinct genotypes it derived last."""
    random: NonNegativeInt = 0
    """Genotypes drawn at random: what any search has to beat."""
    zoo: tuple[str, ...] = ()
    """Published genotypes beside them."""
    concurrent: PositiveInt | None = 1
    """Trainings at once: more than one run as tasks on Ray, null stands for as many as the cluster holds."""

    @field_validator("zoo")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = [name for name, entry in PUBLISHED.items() if entry.genotype.network == "generator"]
        for name in names:
            if name not in known:
                raise ValueError(f"no published generator is called {name!r}; known: {', '.join(known)}")
        return names
