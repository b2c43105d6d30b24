"""Params by which MLflow's lists of runs are sorted and filtered, equal in runs of all stages."""

from orchestrator.config.experiment import Experiment
from orchestrator.tracking.tracker import DECIDING
from trainers.datasets.config import ImageFolderConfig
from trainers.metrics.specs import score_names

SEARCHING = ("search", "select", "pipeline", "sweep", "trial", "seed", "retrain")
"""Stages whose networks come from the configuration's strategy and space."""


def columns(experiment: Experiment, stage: str) -> dict[str, str]:
    """`data`, `space`, `strategy`, and the name of the `score` that `best` and `last` are of."""
    found = {"data": data_name(experiment)}
    if stage in SEARCHING:
        search = experiment.search
        found |= {"space": search.space, "strategy": search.strategy.name}
    evaluation = (experiment.search if stage == "search" else experiment.retrain).evaluation
    if names := list(score_names(evaluation)):
        found[DECIDING] = names[0]
    return found


def data_name(experiment: Experiment) -> str:
    """The data set's name; that of a user's own images begins with their folder, as columns are narrow."""
    data = experiment.data
    return f"{data.root.name} ({data.name})" if isinstance(data, ImageFolderConfig) else data.name
