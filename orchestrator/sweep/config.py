"""A sweep as one frozen value: what varies, what is measured, how much may be spent."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from orchestrator.config.errors import ConfigError, explain
from orchestrator.config.experiment import Experiment, experiment_of, with_overrides
from orchestrator.config.files import SWEEPS, read_source
from orchestrator.config.overrides import apply_overrides, options, parsed
from orchestrator.config.renamed import modern_name, warn_of
from orchestrator.config.roots import RunName
from orchestrator.jobs.scores import deviation
from orchestrator.sweep.samplers import SamplerConfig
from orchestrator.sweep.space import Axis, Params, modern_params
from search_space.frozen import Frozen
from trainers.metrics.config import EvaluationConfig

PARAMETERS, MULTIPLY_ADDS, LATENCY = "parameters", "multiply_adds", "latency"
COSTS = (PARAMETERS, MULTIPLY_ADDS, LATENCY)
"""Costs of the derived generator at the widths of its retraining, for one image: see `search_space.cost`.
Latency is in seconds on the trial's processor, which other trials there disturb; multiply_adds is exact."""


class Objective(Frozen):
    """A score of the retrained network, or what the network costs."""

    metric: str = Field(min_length=1)
    """A score that `retrain.evaluation` gives, or parameters, multiply_adds, latency."""
    goal: Literal["minimize", "maximize"]
    """Whether lower or higher is better."""
    deviations: NonNegativeFloat = 0.0
    """Standard deviations over the seeds by which the mean is made worse; 0 is the mean alone."""

    def value(self, scores: Sequence[float]) -> float:
        """What the sampler is told of one configuration: scores of its seeds."""
        penalty = self.deviations * (deviation(scores) or 0.0)
        return fmean(scores) + (penalty if self.goal == "minimize" else -penalty)


def values(objectives: Sequence[Objective], runs: Sequence[Mapping[str, float]]) -> list[float]:
    """One number per objective, from the scores of every seed."""
    return [each.value([run[each.metric] for run in runs]) for each in objectives]


def known_metrics(evaluation: EvaluationConfig) -> tuple[str, ...]:
    """What an objective may be, with such an evaluation of the retraining."""
    from trainers.metrics.specs import score_names

    return (*score_names(evaluation), *COSTS)


def _listed(value: Any) -> Any:
    """Accept a single objective as a list of one."""
    return [value] if isinstance(value, Mapping) else value


class BudgetConfig(Frozen):
    """When a sweep ends."""

    trials: PositiveInt
    """Number of configurations, over all starts of the sweep."""
    hours: PositiveFloat | None = None
    """Hours of one start. Trials that have not finished by then resume at the next start."""


class AshaConfig(Frozen):
    """Early stopping: each rung stops all but the best 1/reduction of the trials that have reached it.

    Rungs are counted in evaluations of retraining, over the seeds of a trial, which come one after another:
    with 4 evaluations a retraining, evaluation 5 is the first of the second seed.
    """

    grace: PositiveInt = 1
    """Number of evaluations that every trial gets: the first rung."""
    reduction: Annotated[int, Field(ge=2)] = 3
    """Ratio of successive rungs; one of so many trials continues after each."""


class ResourceConfig(Frozen):
    """How many trials run at once. The section `cluster` of the base determines what one trial occupies."""

    concurrent: PositiveInt | None = None
    """Number of trials at once. null: as many as the cluster holds."""


class SweepConfig(Frozen):
    """A sweep, as its YAML file has it."""

    name: RunName | None = None
    """Name of the sweep. The same name resumes it where it stopped; null starts a new one."""
    base: str
    """A preset or the path of a YAML file that all runs share."""
    overrides: Mapping[str, Any] = Field(default_factory=dict)
    """Options that differ from the base in all runs, by their dotted names."""
    space: Mapping[str, Axis] = Field(min_length=1)
    """Dotted names that vary -> uniform, log_uniform, int or categorical values, as docs/sweeps.md shows."""
    objective: Annotated[tuple[Objective, ...], BeforeValidator(_listed), Field(min_length=1)]
    """One score, or several: the result is then a Pareto front instead of a best trial."""
    sampler: SamplerConfig = SamplerConfig()
    seeds: PositiveInt = 1
    """Number of runs of every configuration, with seeds from the base's `seed` on."""
    budget: BudgetConfig
    asha: AshaConfig | None = None
    """Null: every trial goes to its end."""
    resources: ResourceConfig = ResourceConfig()
    max_failures: NonNegativeInt = 3
    """Number of failed trials with which the sweep continues; one more stops it."""
    storage: str | None = None
    """Optuna's database URL; null is a SQLite file in the sweep's folder."""

    @model_validator(mode="after")
    def _parts_fit(self) -> "SweepConfig":
        for name, axis in self.space.items():
            earlier = list(self.space)[: list(self.space).index(name)]
            for other in axis.when:
                if other not in earlier:
                    raise ValueError(f"space: {name} depends on {other}, which must be named before it")
        if len(self.objective) > 1 and self.asha:
            raise ValueError("asha: stops trials by one objective, and there are several; use null")
        if len(self.objective) > 1 and self.sampler.name == "cmaes":
            raise ValueError("sampler: cmaes takes one objective; use tpe or nsga2")
        if len({each.metric for each in self.objective}) < len(self.objective):
            raise ValueError("objective: names a metric twice")
        return self

    def document(self) -> dict[str, Any]:
        """The content of a YAML file of this sweep."""
        axes = {
            name: axis.model_dump(mode="json", exclude_defaults=True) for name, axis in self.space.items()
        }
        return {**self.model_dump(mode="json"), "space": axes}


class Sweep(Frozen):
    """A sweep whose base is loaded."""

    config: SweepConfig
    base: Experiment

    def experiment(self, params: Params, seed: int) -> Experiment:
        """The run of a configuration with the seed of that number, counted from 0.

        Raises:
            ConfigError: a value that does not fit.
        """
        return with_overrides(self.base, {**params, "seed": self.base.seed + seed})

    @property
    def single(self) -> Objective:
        """The objective, of which there is one, or the first."""
        return self.config.objective[0]


def load_sweep(source: str, texts: Mapping[str, str]) -> Sweep:
    """The sweep of a YAML file, with options from the command line: the sweep's own, else the base's.

    Raises:
        ConfigError: anything wrong in the file, its base or the options.
    """
    known = options(SweepConfig)
    own = {
        name: parsed(name, text, known)
        for name, text in texts.items()
        if name in known or name in known.switches
    }
    of_base = {
        name: parsed(modern_name(name), text, options(Experiment))
        for name, text in texts.items()
        if name not in known and name not in known.switches
    }
    config = _in_modern_names(_validated(apply_overrides(read_source(source, SWEEPS), own, known)), of_base)
    base = with_overrides(experiment_of(read_source(config.base), {}), config.overrides)
    return Sweep(config=config, base=base)


def _in_modern_names(config: SweepConfig, of_base: Mapping[str, Any]) -> SweepConfig:
    """The sweep with further options of its base, all by today's names; a warning for each other one."""
    named = [*config.space, *config.overrides, *of_base]
    for name in dict.fromkeys(name for name in named if modern_name(name) != name):
        warn_of(name)
    overrides = {**modern_params(config.overrides), **modern_params(of_base)}
    space = {
        modern_name(name): axis.model_copy(update={"when": modern_params(axis.when)})
        for name, axis in config.space.items()
    }
    return config.model_copy(update={"overrides": overrides, "space": space})


def _validated(document: Mapping[str, Any]) -> SweepConfig:
    try:
        return SweepConfig.model_validate(document)
    except ValidationError as error:
        raise ConfigError(explain(error, document, list(options(SweepConfig)))) from None
