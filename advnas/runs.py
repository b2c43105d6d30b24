"""The commands that take a configuration, as functions: search, select, retrain, evaluate, pipeline."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.config.experiment import Experiment, load_experiment, with_overrides
from orchestrator.console.console import Console, quiet

if TYPE_CHECKING:
    from orchestrator.pipeline import PipelineResult
    from orchestrator.selection.stage import Selected
    from orchestrator.stages.results import Evaluated, Retrained, Searched

Config = str | Path | Experiment
"""The name of a preset, the path of a YAML file, or a configuration that `load_config` has returned."""
Overrides = Mapping[str, object]
"""Dotted name of an option -> its value. Text is read as it is on the command line."""


def load_config(source: Config, overrides: Overrides | None = None) -> Experiment:
    """Load a configuration: a frozen value with every option of a run.

    Args:
        source: The name of a preset such as `"digits"`, the path of a YAML file, or another configuration.
        overrides: Options that differ, by their dotted names: `{"name": "first", "search.steps": 100}`.

    Raises:
        UserError: there is no such preset, file or option, or a value does not fit.
    """
    if isinstance(source, Experiment):
        return with_overrides(source, overrides or {})
    return load_experiment(str(source), {name: _text(value) for name, value in (overrides or {}).items()})


def search(config: Config, overrides: Overrides | None = None, *, progress: bool = True) -> "Searched":
    """Search the architectures of generator and discriminator, and derive both.

    Args:
        config: A preset, a file or a configuration.
        overrides: Options that differ, by their dotted names. A run with the `name` of an earlier one
            resumes it.
        progress: Whether to print a line for every report.

    Raises:
        UserError: a mistake in the configuration, in the data, or of the cluster.
    """
    from orchestrator.stages.train import search

    return search(_ready(config, overrides), _console(progress))


def select(config: Config, overrides: Overrides | None = None, *, progress: bool = True) -> "Selected":
    """Choose one of many genotypes by short trainings; the section `select` of the configuration says how.

    Args:
        config: A preset, a file or a configuration.
        overrides: Options that differ, by their dotted names. The `name` of a run that has searched selects
            among the genotypes that it derived.
        progress: Whether to print a line for every report.

    Raises:
        UserError: a mistake in the configuration, in the candidates, or of the cluster.
    """
    from orchestrator.selection.stage import select

    return select(_ready(config, overrides), _console(progress))


def retrain(config: Config, overrides: Overrides | None = None, *, progress: bool = True) -> "Retrained":
    """Train the network of one genotype from scratch.

    Args:
        config: A preset, a file or a configuration.
        overrides: Options that differ, by their dotted names. `retrain.genotype` names the genotype;
            without it, the `name` of a run that has searched or selected gives it.
        progress: Whether to print a line for every report.

    Raises:
        UserError: a mistake in the configuration, in the data, or of the cluster.
    """
    from orchestrator.stages.train import retrain

    return retrain(_ready(config, overrides), _console(progress))


def evaluate(
    config: Config,
    overrides: Overrides | None = None,
    *,
    of: str | Path | None = None,
    against: str | Path | None = None,
    protocol: str | None = None,
    progress: bool = True,
) -> "Evaluated":
    """Score a trained generator or a folder of images.

    Args:
        config: A preset, a file or a configuration: its data set and `retrain.evaluation` define the scores.
        overrides: Options that differ, by their dotted names.
        of: A run, `runs:/ID`, a `generator.pt` or a folder of images (default: the run called `name`).
        against: The same, or an `.npz` file of statistics (default: the data set).
        protocol: `"paper"` or `"quick"` (default: that of the configuration).
        progress: Whether to print what is scored.

    Raises:
        UserError: there is nothing to score or to compare with, or the configuration has a mistake.
    """
    from orchestrator.stages.evaluate import evaluate

    experiment = _ready(config, overrides)
    return evaluate(experiment, _console(progress), _path(of), _path(against), protocol=protocol)


def pipeline(
    config: Config, overrides: Overrides | None = None, *, progress: bool = True
) -> "PipelineResult":
    """Search, select (if configured), retrain and score; finished stages are not repeated.

    Args:
        config: A preset, a file or a configuration.
        overrides: Options that differ, by their dotted names. A run with the `name` of an earlier one
            resumes it.
        progress: Whether to print a line for every report.

    Raises:
        UserError: a mistake in the configuration, in the data, or of the cluster.
    """
    from orchestrator.pipeline import pipeline

    return pipeline(_ready(config, overrides), _console(progress))


def _ready(config: Config, overrides: Overrides | None) -> Experiment:
    from orchestrator.cluster.job_environment import require_kept

    quiet()
    experiment = load_config(config, overrides)
    require_kept(experiment.folder)
    return experiment


def _console(progress: bool) -> Console:
    return Console() if progress else Console(io.StringIO())


def _path(source: str | Path | None) -> str | None:
    return None if source is None else str(source)


def _text(value: object) -> str:
    """Write a value as the command line has it: JSON is YAML too."""
    from pydantic_core import to_json

    return str(value) if isinstance(value, str | Path) else to_json(value).decode()
