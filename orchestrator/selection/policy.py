"""Running a selection with the policy of its configuration."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from orchestrator.config.errors import ConfigError
from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.policies.forecast import Known, Remaining, forecast, spending
from orchestrator.selection.policies.policy import Policy
from orchestrator.selection.policies.registry import POLICIES
from orchestrator.selection.result import Candidate, CurveSource, Selection, SelectionError


def select(candidates: Sequence[Candidate], source: CurveSource, config: SelectionConfig) -> Selection:
    """Compare the candidates and choose one.

    Raises:
        ConfigError: an unknown policy.
        SelectionError: no candidates, one that is there twice or has no seeds, or a budget that is too small.
    """
    policy = policy_of(config)
    _check(candidates)
    return policy.choose(candidates, source, _with_budget(policy, len(candidates), config))


def _with_budget(policy: Policy, candidates: int, config: SelectionConfig) -> SelectionConfig:
    """The configuration with its budget in steps."""
    budget = policy.budget if config.budget is None else config.budget
    if isinstance(budget, float):
        budget = int(budget * candidates * config.steps[-1] + 0.5)
    return config.model_copy(update={"budget": budget})


def remaining(candidates: Sequence[Candidate], known: Known, config: SelectionConfig) -> Remaining:
    """The trainings that `select` still does when it knows these scores."""
    policy = policy_of(config)
    config = _with_budget(policy, len(candidates), config)
    if policy.spends_budget and config.budget:
        return spending(min(int(config.budget), len(candidates) * config.steps[-1]), known, config.steps)
    return forecast(lambda source: policy.choose(candidates, source, config), known)


Config = TypeVar("Config", bound=SelectionConfig)


def settle(config: Config, step_at: Callable[[float], int], first_rung: int | None = None) -> Config:
    """The configuration with rungs in steps, and what suits its policy where it says nothing.

    `step_at` tells the step that is a share of the training. Before `first_rung` scores are known to rank
    nothing: it replaces the earlier rungs, and values for each rung are those of the rungs that remain.
    """
    policy = policy_of(config)
    steps = config.settled(step_at, policy.rungs)
    rungs = own = tuple(sorted(set(steps)))
    if first_rung and own[0] < first_rung and takes_measured_rungs(config):
        rungs = (first_rung, *(rung for rung in own if rung > first_rung))
    dropped = len(own) - len(rungs)
    keep = config.keep
    if keep is None and config.rungs in (None, policy.rungs) and not dropped:
        keep = policy.keep
    values = config.model_dump() | {
        "rungs": rungs,
        "keep": _without_first(_merged(keep, steps[:-1], steps[-1]), dropped),
        "repeats": _without_first(_merged(config.repeats, steps), dropped),
        "max_repeats": _without_first(_merged(config.max_repeats, steps), dropped),
    }
    return type(config).model_validate(values)


Value = TypeVar("Value", int, float)


def _merged(
    values: tuple[Value, ...] | None, steps: Sequence[int], end: int | None = None
) -> tuple[Value, ...] | None:
    """Values for the steps that are left where some are equal: shares multiply, of numbers the last counts.

    Nobody is cut at the `end`. Lists of another length are as they were given.
    """
    if values is None or len(values) != len(steps) or len(values) == 1:
        return values
    found: dict[int, Value] = {}
    for step, value in zip(steps, values, strict=True):
        before = found.get(step, 1)
        found[step] = before * value if before < 1 and value < 1 else value
    return tuple(value for step, value in found.items() if step != end) or None


def _without_first(values: tuple[Value, ...] | None, dropped: int) -> tuple[Value, ...] | None:
    """Values for the rungs that remain; a single one is for all rungs."""
    if values is None or len(values) == 1:
        return values
    return values[dropped:] or None


def takes_measured_rungs(config: SelectionConfig) -> bool:
    """Whether rungs give way to measured ones: the configuration says so, or nobody gave any."""
    wanted = config.rungs is None if config.measured_rungs is None else config.measured_rungs
    return wanted and policy_of(config).cuts


def policy_of(config: SelectionConfig) -> Policy:
    """The policy that a configuration names.

    Raises:
        ConfigError: there is no such.
    """
    if config.policy not in POLICIES:
        raise ConfigError(f"select.policy = {config.policy}: unknown; use {', '.join(POLICIES)}")
    return POLICIES[config.policy]


def _check(candidates: Sequence[Candidate]) -> None:
    if not candidates:
        raise SelectionError("candidates: none; give at least one genotype")
    known: set[str] = set()
    for candidate in candidates:
        if candidate.genotype in known:
            raise SelectionError(f"candidates: {candidate.genotype} is there twice; give distinct genotypes")
        if not candidate.seeds:
            raise SelectionError(f"candidates: {candidate.genotype} has no seeds; give one for each repeat")
        known.add(candidate.genotype)
