"""The Optuna study of a sweep: the one place that knows which trials there are and how they ended.

Everything else - Ray Tune's experiment, MLflow's runs, the Parquet file - is made from it and from the runs'
folders, and can be made again.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings

from orchestrator.config.errors import ConfigError
from orchestrator.config.identity import flatten, require_equal
from orchestrator.config.renamed import ADDED, modern_name
from orchestrator.sweep.config import Sweep
from orchestrator.sweep.space import Params, grid, labels

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

IDENTITY = "advnas.identity"
"""User attribute of a study: what must not change between two starts."""
PARAMS, REASON, SCORES = "advnas.params", "advnas.reason", "advnas.scores"
"""User attributes of a trial: its configuration, why it failed, the scores of each seed."""

DECIDING = ("space", "objective", "sampler", "seeds")
"""Settings of the sweep itself that decide what its trials are."""
FREE = ("name", "root", "keep_checkpoints", "reliability", "evolve", "compute", "cluster", "tracking")
"""Sections of the base that say where and how fast, or speak of another command."""

QUEUED = 100_000
"""Most points of a grid."""


def open_study(sweep: Sweep, name: str, folder: Path) -> "Study":
    """The study of that name, made or gone on with.

    Raises:
        ConfigError: it was started with other settings.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
        study = optuna.create_study(
            storage=optuna.storages.RDBStorage(study_url(sweep, folder)),
            pruner=optuna.pruners.NopPruner(),
            study_name=name,
            directions=[objective.goal for objective in sweep.config.objective],
            load_if_exists=True,
        )
        study.set_metric_names([objective.metric for objective in sweep.config.objective])
    _require_same(study, identity(sweep))
    return study


def points_left(sweep: Sweep, study: "Study") -> list[Params]:
    """Points of the grid that the study does not know yet, in Optuna's values and in their order.

    They are queued one by one, right before they are asked for: for each trial, Optuna reads all that wait.
    """
    if sweep.config.sampler.name != "grid":
        return []
    known = {_point(trial.system_attrs.get("fixed_params", {})) for trial in study.get_trials(deepcopy=False)}
    points = [labels(params) for params in grid(sweep.config.space, QUEUED)]
    return [point for point in points if _point(point) not in known]


def waiting(study: "Study") -> int:
    """How many points are queued: of a driver that died there, or of an earlier version, which queued all."""
    from optuna.trial import TrialState

    return len(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))


def _point(params: Params) -> str:
    """Numbers in 12 digits, as the last of 16 may be another on another machine."""
    rounded = {name: f"{value:.12g}" if isinstance(value, float) else value for name, value in params.items()}
    return json.dumps(rounded, sort_keys=True)


def study_url(sweep: Sweep, folder: Path) -> str:
    """The address of Optuna's storage, as optuna-dashboard takes it."""
    return sweep.config.storage or f"sqlite:///{folder / 'study.db'}"


def identity(sweep: Sweep) -> dict[str, Any]:
    """The settings that must be equal to resume a sweep: dotted name -> JSON value."""
    config = sweep.config.model_dump(mode="json", include=set(DECIDING))
    base = sweep.base.model_dump(mode="json", exclude=set(FREE))
    return flatten({**{name: config[name] for name in DECIDING}, "base": base})


def in_flight(study: "Study") -> list["FrozenTrial"]:
    """Trials that were begun and have not ended, oldest first."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def begun(study: "Study") -> list["FrozenTrial"]:
    """All trials but those that wait in the queue of a grid."""
    from optuna.trial import TrialState

    return [trial for trial in study.get_trials(deepcopy=False) if trial.state != TrialState.WAITING]


def failures(study: "Study") -> list["FrozenTrial"]:
    """Trials that failed, oldest first."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.FAIL,))


def modern_study(saved: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The identity of a study of any version, in today's names and with the options that came later."""
    renamed = {}
    for name, value in saved.items():
        part, _, option = name.partition(".")
        if part in ("base", "space"):
            option = ".when.".join(modern_name(each) for each in option.split(".when."))
        renamed[f"{part}.{option}" if option else part] = value
    added = flatten({f"base.{name}": value for name, value in ADDED.items()})
    return {**{name: value for name, value in added.items() if name in now}, **renamed}


def _require_same(study: "Study", current: Mapping[str, Any]) -> None:
    if IDENTITY not in study.user_attrs:
        study.set_user_attr(IDENTITY, json.dumps(current))
    saved = modern_study(json.loads(study.user_attrs[IDENTITY]), current)
    require_equal(saved, current, f"sweep {study.study_name}", ConfigError)
