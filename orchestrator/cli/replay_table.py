"""`advnas select --replay TABLE`: policies on recorded curves, in seconds and without training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.config.errors import ConfigError, explain
from orchestrator.config.overrides import apply_overrides, options, parsed
from orchestrator.config.selection import SelectionConfig
from orchestrator.selection.curves import Curves
from orchestrator.selection.draws import DrawsReport, compare_policies
from orchestrator.selection.policies.registry import POLICIES
from orchestrator.selection.policy import policy_of
from orchestrator.selection.recorded import most_repeats, settle_on
from orchestrator.selection.replay import ReplayReport, replay_curves

OF_DRAWS = ("draws", "of", "policies", "budgets")
"""Options that ask for many random pools instead of one selection."""
DRAWS, OF = 200, 50
"""Pools, and candidates in each, unless given."""


def replay_table(table: Path, overrides: Mapping[str, str]) -> ReplayReport | DrawsReport:
    """Select from a table; `overrides` are options of the selection by name, `rungs` and `keep` say 100,300.

    Raises:
        UserError: the file holds no such table, or an option does not fit.
    """
    known = options(SelectionConfig)
    for name, text in overrides.items():
        if name not in known and name not in OF_DRAWS:
            names = ", ".join(f"--{each}" for each in (*known, *OF_DRAWS))
            raise ConfigError(f"--{name} {text}: a replay has no such option; use {names}")
    values = {name: parsed(name, _listed(text), known) for name, text in overrides.items() if name in known}
    given = {name: text for name, text in overrides.items() if name in OF_DRAWS}
    config = _config(values, {"max_repeats": 1} if given else {})
    curves = Curves.read(table, config.metric)
    config = config.model_copy(update={"metric": curves.metric})
    if given:
        return _draws(curves, config, given)
    settled = settle_on(curves, config)
    if not {"rungs", "max_repeats"} & values.keys():
        settled = settled.model_copy(update={"max_repeats": most_repeats(len(settled.steps))})
    return replay_curves(curves, settled)


def _config(values: Mapping[str, Any], default: Mapping[str, Any]) -> SelectionConfig:
    known = options(SelectionConfig)
    document = apply_overrides(default, values, known)
    try:
        return SelectionConfig.model_validate(document)
    except ValidationError as error:
        raise ConfigError(explain(error, document, list(known))) from None


def _draws(curves: Curves, config: SelectionConfig, given: Mapping[str, str]) -> DrawsReport:
    policies = [name.strip() for name in given.get("policies", config.policy).split(",")]
    if "all" in policies:
        policies = list(POLICIES)
    budgets: list[Any] = _numbers("budgets", given["budgets"]) if "budgets" in given else [config.budget]
    configs = []
    for policy in policies:
        named = config.model_copy(update={"policy": policy})
        policy_of(named)
        # Training everyone has one price.
        configs += [
            named.model_copy(update={"budget": budget})
            for budget in (budgets if policy != "full" else [None])
        ]
    genotypes = len(curves.genotypes)
    of = _count("of", given.get("of", str(min(OF, genotypes))))
    return compare_policies(curves, configs, _count("draws", given.get("draws", str(DRAWS))), of)


def _numbers(name: str, text: str) -> list[float]:
    try:
        numbers = [float(each) for each in text.strip("[]").split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(0 < number < 1 for number in numbers):
        raise ConfigError(
            f"--{name} {text}: give shares of training everyone to the end, below 1, as in 0.25,0.125"
        )
    return numbers


def _count(name: str, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f"--{name} {text}: give a whole number from 1 on")
    return int(text)


def _listed(text: str) -> str:
    """Lists may go without their brackets."""
    return f"[{text}]" if "," in text and not text.startswith("[") else text
