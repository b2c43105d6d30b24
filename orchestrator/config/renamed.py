"""Renamed and added options: old files, command lines, runs and studies keep their meaning."""

import logging
from collections.abc import Mapping
from typing import Any, TypeVar

from orchestrator.config.errors import ConfigError
from orchestrator.config.identity import flatten
from orchestrator.config.overrides import Options, apply_overrides, set_value, value_at

RENAMED: Mapping[str, str] = {
    "search.warmup_steps": "search.strategy.warmup_steps",
    "search.relaxation": "search.strategy.relaxation",
    "search.tau_start": "search.strategy.tau_start",
    "search.tau_end": "search.strategy.tau_end",
    "search.alpha_optimizer": "search.strategy.alpha_optimizer",
    "search.beta_optimizer": "search.strategy.beta_optimizer",
    "search.sample_per_forward": "search.strategy.sample_per_forward",
    "search.mask_image_edges": "search.strategy.mask_image_edges",
    "search.continue_from_ema": "search.strategy.continue_from_ema",
    "retrain.opponent": "retrain.discriminator.architecture",
    "compute.form": "compute.backend",
}
"""First name of an option, or of a section -> its name now."""

ADDED: Mapping[str, Any] = {
    "search.space": "adversarialnas",
    "search.strategy.name": "adversarial",
    "search.strategy.kernel_learning_rate": "equal",
    "search.strategy.opponent": "searched",
    "search.strategy.derive": "alpha",
    "search.strategy.perturbation_steps": 10,
    "search.strategy.recompute": True,
    "search.strategy.like": None,
    "search.strategy.max_parameters": None,
    "search.strategy.evolution.algorithm": "regularized",
    "search.gap_steps": 20,
    "evolve.algorithm": "regularized",
    "search.loss.name": "hinge",
    "retrain.loss.name": "hinge",
    "retrain.lr_decay_from": 0.0,
    "compute.precision": "float32",
    "search.initialisation": "xavier",
    "search.strategy.noise_per_batch": False,
    "retrain.initialisation": "xavier",
    "retrain.separate_forwards": False,
}
"""Options that decide numbers and came after the first runs -> what every run did before."""

PRECISION = "compute.precision"
"""It decided numbers from the start, but the first versions did not record it with a run."""

FIRST_NAMES = {now: first for first, now in RENAMED.items()}

T = TypeVar("T")

logger = logging.getLogger(__name__)


def modern_name(name: str) -> str:
    """What an option is called now."""
    return _replaced(name, RENAMED)


def first_name(name: str) -> str:
    """What an option was called in the first runs: hashes are of these names, so that they stay."""
    return _replaced(name, FIRST_NAMES)


def modern_identity(saved: Mapping[str, T], now: Mapping[str, T], precision: str = "auto") -> dict[str, T]:
    """An identity that any version has saved, in the names of `now`; it has the options that came later.

    `precision` is the option as it is given now. Where it is not auto, which the first versions did not
    know, a run of theirs counts as one of that precision.
    """
    added: dict[str, Any] = {name: value for name, value in ADDED.items() if name in now}
    if precision != "auto" and PRECISION in now:
        added[PRECISION] = now[PRECISION]
        if PRECISION not in saved and added[PRECISION] != ADDED[PRECISION]:
            logger.warning(
                "%s = %s: taken for that of the run so far, of which an earlier version did not record it",
                PRECISION, precision,
            )  # fmt: skip
    return {**added, **{modern_name(name): value for name, value in saved.items()}}


def first_identity(identity: Mapping[str, T]) -> dict[str, T]:
    """An identity as the first version would have said it: equal runs have equal ones for ever."""
    return {
        first_name(name): value
        for name, value in identity.items()
        if name not in ADDED or ADDED[name] != value
    }


def modern_recipe(recipe: Mapping[str, str]) -> dict[str, str]:
    """What any version has said of a retraining."""
    later = flatten({name: value for name, value in ADDED.items() if name.startswith("retrain.")})
    return {**later, **{modern_name(name): value for name, value in recipe.items()}}


def with_modern_names(
    document: Mapping[str, Any], values: Mapping[str, T], known: Options
) -> tuple[dict[str, Any], dict[str, T]]:
    """A configuration and options from the command line in today's names; a warning for each other one.

    Raises:
        ConfigError: an option is there by both of its names.
    """
    result, old = modern_document(document, known)
    for name in dict.fromkeys([*old, *(name for name in values if modern_name(name) != name)]):
        warn_of(name)
    return result, {modern_name(name): value for name, value in values.items()}


def warn_of(name: str) -> None:
    """Tell the user a first name's successor."""
    logger.warning("%s is called %s now; the old name still works", name, modern_name(name))


def modern_document(document: Mapping[str, Any], known: Options) -> tuple[dict[str, Any], list[str]]:
    """A configuration in today's names, and the other ones that were in it."""
    result, found = apply_overrides(document, {}, known), []
    for first, now in RENAMED.items():
        section, _, last = first.rpartition(".")
        holder = value_at(result, section)
        if not isinstance(holder, Mapping) or last not in holder:
            continue
        if value_at(result, now) is not None:
            raise ConfigError(f"{first}: is called {now} now, which is there too; remove one of them")
        set_value(result, section, {name: value for name, value in holder.items() if name != last})
        set_value(result, now, holder[last])
        found.append(first)
    # Once more: a section that came into being so does not say which kind it is.
    return apply_overrides(result, {}, known), found


def _replaced(name: str, names: Mapping[str, str]) -> str:
    for before, after in names.items():
        if name == before or name.startswith(f"{before}."):
            return after + name.removeprefix(before)
    return name
