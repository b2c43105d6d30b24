"""Whether a run can be selected by: what is compared is reported, and runs may go on from rung to rung."""

from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import Experiment
from orchestrator.config.select_stage import SelectStage
from trainers.metrics.specs import lower_is_better, score_names

FIRST = "score"
"""Stands for the first metric of the evaluation."""


def select_stage(experiment: Experiment) -> SelectStage:
    """The selection of a run, with its metric by the name that is reported.

    Raises:
        ConfigError: there is none, or it does not fit the retraining.
    """
    select, retrain = experiment.select, experiment.retrain
    if select is None:
        raise ConfigError("select = null: give rungs to compare at, as in --select.rungs '[100, 300]'")
    if retrain.lr_decay != "none":
        raise ConfigError(
            f"retrain.lr_decay = {retrain.lr_decay}: runs that go on from rung to rung need constant rates; "
            "use none, or --select null"
        )
    if retrain.opponent != "fixed":
        raise ConfigError(
            f"retrain.opponent = {retrain.opponent}: candidates are compared against the same discriminator; "
            "use fixed, or --select null"
        )
    if select.rungs[-1] > retrain.steps:
        raise ConfigError(
            f"select.rungs: {select.rungs[-1]} is beyond retrain.steps = {retrain.steps}; use earlier rungs, "
            "or --select null"
        )
    reported = score_names(retrain.evaluation)
    metric = next(iter(reported)) if select.metric == FIRST else select.metric
    if metric not in reported:
        raise ConfigError(
            f"select.metric = {metric}: not in retrain.evaluation.metrics; use {', '.join(reported)}"
        )
    lower = lower_is_better(metric)
    if lower != select.lower_is_better:
        raise ConfigError(
            f"select.lower_is_better = {str(select.lower_is_better).lower()}: of {metric} it is "
            f"{str(lower).lower()}"
        )
    return select.model_copy(update={"metric": metric})
