"""Checks before a sweep starts, so that nothing fails in its middle that could have been known."""

import random
from collections.abc import Iterator
from difflib import get_close_matches

from orchestrator.config.errors import ConfigError, shown, unknown_name
from orchestrator.config.experiment import Experiment
from orchestrator.config.overrides import options
from orchestrator.config.stages import RetrainStage
from orchestrator.jobs.job import is_due
from orchestrator.sweep.config import Sweep, known_metrics
from orchestrator.sweep.space import Params, corners, grid, suggest

MOST_CORNERS = 256
SAMPLES = 32
"""Configurations drawn at random, besides the corners."""

NOT_VARIED = ("name", "seed", "root", "mirror", "tracking", "cluster", "keep_checkpoints")
"""Names that say where runs are done, or that the sweep sets itself."""


def validate(sweep: Sweep) -> None:
    """Check names, values and objectives against the base.

    Raises:
        ConfigError: one line a mistake.
    """
    mistakes = [*_storage(sweep), *_names(sweep), *_objectives(sweep), *_pace(sweep.base.retrain, sweep)]
    if not mistakes:
        mistakes = list(dict.fromkeys(_values(sweep)))
    if mistakes:
        raise ConfigError("\n".join(mistakes))


def evaluations(retrain: RetrainStage, until: int | None = None) -> int:
    """How often one retraining is scored up to a step, or in all."""
    last = retrain.steps if until is None else until
    reports = [*range(retrain.report_every, retrain.steps, retrain.report_every), retrain.steps]
    return sum(step <= last and is_due(retrain, step, retrain.steps) for step in reports)


def _storage(sweep: Sweep) -> Iterator[str]:
    if sweep.base.mirror:
        yield "mirror: a sweep's study is SQLite, which needs a disk; leave it null and share root"
    if sweep.base.object_store and sweep.config.storage is None:
        yield (
            "root: an object store cannot keep a sweep's study, which is SQLite by default; set storage to "
            "a database (postgresql://HOST/NAME, or sqlite:////PATH/study.db on the driver's machine)"
        )


def _names(sweep: Sweep) -> Iterator[str]:
    known = list(options(Experiment))
    for name in sweep.config.space:
        if name not in known:
            yield f"space.{name}: {unknown_name(name, known)}"
        elif name == "seed":
            yield "space.seed: seeds are repeats of a configuration; use seeds"
        elif name.split(".")[0] in NOT_VARIED:
            yield f"space.{name}: does not decide what comes out of a run; set it in overrides"


def _objectives(sweep: Sweep) -> Iterator[str]:
    known = known_metrics(sweep.base.retrain.evaluation)
    for objective in sweep.config.objective:
        if objective.metric not in known:
            near = get_close_matches(objective.metric, known, n=1)
            cure = f"did you mean {near[0]}?" if near else f"retrain.evaluation gives {', '.join(known)}"
            yield f"objective.metric = {objective.metric}: unknown; {cure}"


def _pace(retrain: RetrainStage, sweep: Sweep) -> Iterator[str]:
    if retrain.evaluation.every == 0:
        yield "retrain.evaluation.every = 0: a sweep needs scores; give the steps between two evaluations"
        return
    asha, seeds, each = sweep.config.asha, sweep.config.seeds, evaluations(retrain)
    total = seeds * each
    if asha and asha.grace >= total:
        yield (
            f"asha.grace = {asha.grace}: {counted(seeds, 'seed')} of {counted(each, 'evaluation')}"
            f"{' each are' if seeds > 1 else ' make'} {total}, "
            f"so nobody could be stopped; use less than {total}"
        )
    if asha and any(name in sweep.config.space for name in ("retrain.steps", "retrain.evaluation.every")):
        yield "asha: compares equally long trainings; take retrain.steps and its evaluation out of space"


def counted(number: int, thing: str) -> str:
    """1 seed, 2 seeds."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _values(sweep: Sweep) -> Iterator[str]:
    for params in _candidates(sweep):
        try:
            experiment = sweep.experiment(params, 0)
        except ConfigError as error:
            yield from (f"space: {line}" for line in str(error).splitlines())
        else:
            lost = set(known_metrics(sweep.base.retrain.evaluation)) - set(
                known_metrics(experiment.retrain.evaluation)
            )
            yield from (
                f"space: {shown(params)} leaves objective {objective.metric} without a score"
                for objective in sweep.config.objective
                if objective.metric in lost
            )


def _candidates(sweep: Sweep) -> Iterator[Params]:
    """Corners, draws, and the whole grid where that is what will run."""
    space = sweep.config.space
    yield from corners(space, MOST_CORNERS)
    if sweep.config.sampler.name == "grid":
        try:
            yield from grid(space, sweep.config.budget.trials)
        except ValueError as error:
            raise ConfigError(f"space: {error}") from None
    draws = random.Random(0)
    yield from (suggest(space, _Draw(draws)) for _ in range(SAMPLES))  # type: ignore[arg-type]


class _Draw:
    """The part of an Optuna trial that suggests, without Optuna."""

    def __init__(self, random: random.Random) -> None:
        self._random = random

    def suggest_categorical(self, _name: str, choices: list[object]) -> object:
        return self._random.choice(choices)

    def suggest_int(self, _name: str, low: int, high: int, step: int) -> int:
        return self._random.randrange(low, high + 1, step)

    def suggest_float(self, _name: str, low: float, high: float, log: bool) -> float:
        share = self._random.random()
        return float(low * (high / low) ** share if log else low + share * (high - low))
