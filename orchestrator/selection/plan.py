"""The plan of a selection: its candidates, its identity, and checks that it can compare what it trains."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.checkpoints.stored_folder import bring_run
from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import Experiment
from orchestrator.config.selection import THIRD, SelectStage
from orchestrator.console.outlook import Work
from orchestrator.jobs.identity import identity
from orchestrator.jobs.job import Job
from orchestrator.selection import policy
from orchestrator.selection.candidates import Named, collect
from orchestrator.selection.live import trial_of
from orchestrator.selection.result import Candidate
from orchestrator.stages.session import Session
from orchestrator.yardstick.known import KnownReliability, known_reliability
from trainers.metrics.specs import lower_is_better, score_names

FIRST = "score"
"""The name that stands for the first metric of the evaluation."""


def select_stage(experiment: Experiment) -> SelectStage:
    """The selection of a run, with its metric by the name that is reported.

    Raises:
        ConfigError: there is none, or it does not fit the retraining.
    """
    select, retrain = experiment.select, experiment.retrain
    if select is None:
        raise ConfigError("select = null: give rungs to compare at, as in --select.rungs '[100, 300]'")
    if retrain.discriminator.architecture != "fixed":
        raise ConfigError(
            f"retrain.discriminator.architecture = {retrain.discriminator.architecture}: candidates are "
            "compared against the same discriminator; use fixed, or --select null"
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
    known = known_reliability(experiment, metric)
    select = policy.settle(
        select.model_copy(update={"metric": metric}),
        lambda share: max(1, round(share * retrain.steps)),
        known.measured.first_rung if known else None,
    )
    if select.steps[-1] > retrain.steps:
        raise ConfigError(
            f"select.rungs: {select.steps[-1]} is beyond retrain.steps = {retrain.steps}; use earlier rungs, "
            "or --select null"
        )
    return select


LATER = ("policy", "batch", "max_parameters", "max_multiply_adds", "max_latency")
"""Options that selections of earlier versions did not have; unless they are used they decide nothing."""


@dataclass(frozen=True)
class SelectionPlan:
    """The candidates of a selection, and how they are compared."""

    select: SelectStage
    candidates: Mapping[str, Named]
    identity: Mapping[str, Any]
    """All settings that decide a score besides genotype, seed and step: dotted name -> JSON value."""
    known: KnownReliability | None = None
    """The reliability that a run has measured of the recipe, if there is one."""

    @property
    def deciding(self) -> dict[str, Any]:
        """All settings that the choice depends on."""
        select = self.select.model_dump(mode="json", exclude={"concurrent", "retrain", "measured_rungs"})
        if select["keep"] is None:  # what null stands for was the default of earlier versions
            select["keep"] = list(THIRD)
        later = {name for name in LATER if select[name] == type(self.select).model_fields[name].default}
        return {
            **self.identity,
            "select": {name: value for name, value in select.items() if name not in later},
            "candidates": sorted(self.candidates),
        }


def plan_of(session: Session, own: Path | None) -> SelectionPlan:
    """The selection of a session; `own` is the folder of its own search.

    Raises:
        ConfigError: the configuration does not fit, or names nobody.
    """
    experiment = session.experiment
    config = select_stage(experiment)
    for searched in config.searches:
        bring_run(experiment, searched)
    candidates = collect(config, experiment.folder, own, experiment.seed, experiment.search.space)
    trial = identity(Job("retrain", trial_of(experiment, 0, config.steps[0]), {}, session.folder))
    evaluation = experiment.retrain.evaluation.model_dump(mode="json", exclude={"every", "batch_size"})
    scoring = {f"retrain.evaluation.{name}": value for name, value in evaluation.items()}
    known = known_reliability(experiment, config.metric)
    if note := _measured_rungs(experiment, config, known):
        session.console.say(note)
    return SelectionPlan(config, candidates, {**trial, "seed": experiment.seed, **scoring}, known)


def _measured_rungs(
    experiment: Experiment, settled: SelectStage, known: KnownReliability | None
) -> str | None:
    """One line that tells where the rungs come from; None if they are the policy's own or were given."""
    first = known and known.measured.first_rung
    if not (known and experiment.select and policy.takes_measured_rungs(experiment.select)):
        return None
    if first != settled.steps[0]:
        return None
    measured = known.measured
    agreement = measured.other_seed[measured.steps.index(first)]
    return (
        f"select: rungs {', '.join(map(str, settled.steps))}, as run {known.run} measured: step {first} is "
        f"the first to rank another seed's end at least half as well as the end does ({agreement:.2f} of "
        f"{measured.other_seed[-1]:.2f})"
    )


def ships(experiment: Experiment) -> bool:
    """Whether the selection ends with the finished generator, so that nothing is left to train.

    Raises:
        ConfigError: it should, and its last rung is before the end of the training.
    """
    select, steps = select_stage(experiment), experiment.retrain.steps
    finishes = select.steps[-1] == steps
    if select.retrain is False and not finishes:
        raise ConfigError(
            f"select.retrain = false: the last rung is step {select.steps[-1]} of {steps}; end "
            f"select.rungs with {steps} or 1.0, or use null"
        )
    return finishes and not select.retrain


def selection_work(experiment: Experiment) -> Work:
    """The selection of a pipeline, before its search has found the candidates."""
    config, derivations = select_stage(experiment), experiment.search.steps // experiment.search.report_every
    searches = len(config.searches) + 1
    count = searches * min(config.limit, max(derivations, 1)) + config.random + len(config.zoo)
    runs = range(max(config.most_repeats_at(rung) for rung in range(len(config.steps))))
    left = policy.remaining([Candidate(f"{number}", tuple(runs)) for number in range(count)], {}, config)
    return Work("retrain", left.steps, left.trainings, left.trainings * experiment.retrain.evaluation.samples)
