"""The space of a sweep: dotted names of the base configuration, and the values that each may take."""

import builtins
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, PositiveInt, model_validator

from orchestrator.config.renamed import first_name, modern_name
from search_space.frozen import Frozen

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

KINDS = ("uniform", "log_uniform", "int", "categorical")

Params = dict[str, Any]
"""One configuration of a sweep: dotted name -> value; names whose condition does not hold are absent."""


class Axis(Frozen):
    """The values of one name: exactly one of `uniform`, `log_uniform`, `int`, `categorical`."""

    uniform: tuple[float, float] | None = None
    """Lowest and highest."""
    log_uniform: tuple[float, float] | None = None
    """Lowest and highest, both above 0; every order of magnitude is equally likely."""
    int: tuple[builtins.int, builtins.int] | None = None
    """Lowest and highest, both included."""
    categorical: tuple[Any, ...] | None = None
    """Whatever a configuration file may say there."""
    step: PositiveInt = 1
    """Between values of `int`."""
    points: PositiveInt | None = None
    """Values that sampler grid takes of `uniform` and `log_uniform`, both ends included."""
    when: Mapping[str, Any] = Field(default_factory=dict)
    """Other names of the space, named before, with the value each must have: else this one is left out."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(kinds) != 1:
            raise ValueError(f"give one of {', '.join(KINDS)}; here: {' and '.join(kinds) or 'none'}")
        if not self.categorical:
            self._require_range()
        return self

    def _require_range(self) -> None:
        if self.categorical is not None:
            raise ValueError("categorical: needs at least one value")
        low, high = self._range
        if low >= high:
            raise ValueError(f"the lowest value comes first: [{high}, {low}]")
        if self.log_uniform and low <= 0:
            raise ValueError("log_uniform: both ends must be above 0")

    @property
    def _range(self) -> tuple[float, float]:
        ends = self.uniform or self.log_uniform or self.int
        assert ends is not None
        return ends

    def suggest(self, name: str, trial: "BaseTrial") -> Any:
        """The value that Optuna's sampler chooses."""
        if self.categorical:
            labels = [_label(value) for value in self.categorical]
            return self.categorical[labels.index(trial.suggest_categorical(name, labels))]
        low, high = self._range
        if self.int:
            return trial.suggest_int(name, int(low), int(high), step=self.step)
        return trial.suggest_float(name, low, high, log=self.log_uniform is not None)

    def ends(self) -> tuple[Any, ...]:
        """Values that are valid only if the whole axis is: both ends, or all choices."""
        return self.categorical or self._range

    def grid(self) -> tuple[Any, ...]:
        """All values, or `points` of them.

        Raises:
            ValueError: a continuous axis that does not say how many.
        """
        if self.categorical:
            return self.categorical
        low, high = self._range
        if self.int:
            return tuple(range(int(low), int(high) + 1, self.step))
        if self.points is None:
            raise ValueError("sampler grid needs `points` on a continuous axis")
        shares = [i / max(self.points - 1, 1) for i in range(self.points)]
        if self.log_uniform:
            return tuple(math.exp(math.log(low) + share * math.log(high / low)) for share in shares)
        return tuple(low + share * (high - low) for share in shares)


def modern_params(params: Mapping[str, Any]) -> Params:
    """A configuration that any version has kept."""
    return {modern_name(name): value for name, value in params.items()}


Space = Mapping[str, Axis]
"""Dotted name -> its values, in the order in which they are drawn."""


def suggest(space: Space, trial: "BaseTrial") -> Params:
    """A configuration, as Optuna's sampler chooses it; Optuna knows options by their first names."""
    params: Params = {}
    for name, axis in space.items():
        if _holds(axis, params):
            params[name] = axis.suggest(first_name(name), trial)
    return params


def corners(space: Space, most: int) -> Iterator[Params]:
    """Combinations of the axes' ends, at most so many, evenly spread over all."""
    yield from _combinations(space, {name: axis.ends() for name, axis in space.items()}, most)


def grid(space: Space, most: int) -> list[Params]:
    """All different configurations of the grid, at most so many."""
    return list(_combinations(space, {name: axis.grid() for name, axis in space.items()}, most, spread=False))


def labels(params: Params) -> Params:
    """The configuration in Optuna's values, which know no lists."""
    return {first_name(name): _label(value) for name, value in params.items()}


def _combinations(
    space: Space, values: Mapping[str, Sequence[Any]], most: int, spread: bool = True
) -> Iterator[Params]:
    total = math.prod(len(choices) for choices in values.values())
    stride = max(1, total // most) if spread else 1
    seen: set[str] = set()
    for combination in itertools.islice(itertools.product(*values.values()), 0, None, stride):
        params: Params = {}
        for (name, axis), value in zip(space.items(), combination, strict=True):
            if _holds(axis, params):
                params[name] = value
        key = json.dumps(params, sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield params
        if len(seen) == most:
            return


def _holds(axis: Axis, params: Params) -> bool:
    return all(name in params and params[name] == value for name, value in axis.when.items())


def _label(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else json.dumps(value)
