"""What an evolution consists of: supernets or short trainings, candidates, and all that decides them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.checkpoints.store import Checkpoint, CheckpointStore
from orchestrator.config.errors import ConfigError, shown
from orchestrator.config.evolution import EvolveStage
from orchestrator.config.experiment import Experiment
from orchestrator.config.identity import dotted
from orchestrator.jobs.identity import identity
from orchestrator.jobs.job import Job
from orchestrator.selection.curves import genotype_id
from orchestrator.selection.live import Run, trial_of
from orchestrator.selection.result import Request
from search_space.evolution.config import EvolutionConfig
from search_space.evolution.evolution import Evolution
from search_space.genotype import Genotype
from search_space.spaces.registry import find_space
from trainers.metrics.specs import score_names
from trainers.noise import seed_for
from trainers.strategies.one_shot_config import OneShotConfig

STAGE = "evolve"
"""Folder of an evolution, below the one of its run."""
RESULT_ALONE = {"concurrent", "children", "derivations", "distance", "in_pipeline"}
"""Options that decide neither candidates nor scores: an evolution that has ended goes on with others."""
UNUSED = {"inherited": {"steps", "seeds"}, "fine_tuning": {"seeds"}, "training": {"supernets", "of"}}


@dataclass(frozen=True)
class EvolutionPlan:
    """All of it follows from the configuration."""

    experiment: Experiment
    folder: Path
    """Of the evolution; it holds supernet-<k>, or a training in <hash of its genotype>/seed-<k>."""

    @property
    def config(self) -> EvolveStage:
        """Its options."""
        return self.experiment.evolve

    @property
    def trains(self) -> bool:
        """Whether candidates are trained from scratch."""
        return self.config.fitness == "training"

    @property
    def judge(self) -> str:
        """What each of a candidate's scores is of."""
        return "seed" if self.trains else "supernet"

    def evolution(self) -> Evolution:
        """Before its first candidate.

        Raises:
            UserError: no genotype is small enough.
        """
        stage = self.experiment.retrain if self.trains else self.experiment.search
        seed = seed_for(self.experiment.seed, "evolution")
        return Evolution(self.config, self.experiment.search.space, stage.generator, seed, STAGE)

    @property
    def identity(self) -> dict[str, Any]:
        """What decides candidates and scores: dotted name -> JSON value."""
        unused = RESULT_ALONE | UNUSED[self.config.fitness]
        options = {STAGE: self.config.model_dump(mode="json", exclude=unused)}
        if self.trains:
            job, stage = next(self.trainings([self.evolution().first()])).job, "retrain"
        else:
            job, stage = self.supernet(0).job, "search"
        evaluation = job.config.evaluation.model_dump(mode="json", exclude={"every", "batch_size"})
        trained = {name: value for name, value in identity(job).items() if not name.startswith("genotypes")}
        scoring = dotted({stage: {"evaluation": evaluation}})
        return {**trained, **scoring, **dotted(options), "seed": self.experiment.seed}

    def supernets(self) -> list[Run]:
        """The trainings of the supernets, none where other runs have done them."""
        return [self.supernet(number) for number in range(0 if self.config.of else self.config.supernets)]

    def supernet(self, number: int) -> Run:
        """The training of a supernet, one step longer, as a search has to score something."""
        search = self.experiment.search
        own = search.strategy if isinstance(search.strategy, OneShotConfig) else OneShotConfig()
        nothing = EvolutionConfig(random=1, children=0, max_parameters=None)
        strategy = own.model_copy(update={"supernets": 1, "evolution": nothing})
        steps = search.steps + 1
        rarely = search.evaluation.model_copy(update={"every": steps if search.evaluation.every else 0})
        changes = {"strategy": strategy, "steps": steps, "evaluation": rarely}
        experiment = self.experiment.model_copy(
            update={
                "seed": seed_for(self.experiment.seed, "supernet", number),
                "search": search.model_copy(update=changes),
                "keep_checkpoints": 1,
            }
        )
        name = f"supernet {number + 1}"
        job = Job("search", experiment, {}, self.folder / f"supernet-{number}")
        title = f"{STAGE}: {name} of {self.config.supernets}"
        return Run(Request(name, experiment.seed, steps), title, job)

    def trainings(self, candidates: Sequence[Genotype]) -> Iterator[Run]:
        """The short trainings of candidates; learning rates fall over their own steps."""
        steps = self.config.steps
        retrain = self.experiment.retrain.model_copy(update={"steps": steps})
        short = self.experiment.model_copy(update={"retrain": retrain})
        for genotype in candidates:
            for seed in range(self.experiment.seed, self.experiment.seed + self.config.seeds):
                folder = self.folder / genotype.content_hash / f"seed-{seed}"
                job = Job("retrain", trial_of(short, seed, steps), {"generator": genotype}, folder)
                title = f"{STAGE}: {genotype.content_hash}, seed {seed}"
                yield Run(Request(genotype_id(genotype), seed, steps), title, job)


def require_sound(experiment: Experiment) -> None:
    """Refuse what cannot be evolved, before anything is trained.

    Raises:
        UserError: scores or supernets that cannot be had, a limit that no genotype meets.
    """
    plan = EvolutionPlan(experiment, experiment.folder / (experiment.name or "run") / STAGE)
    plan.evolution()
    if plan.trains:
        if not score_names(experiment.retrain.evaluation):
            raise ConfigError("retrain.evaluation.metrics = []: candidates are chosen by scores; use [fd]")
        return
    if not experiment.search.evaluation.every or not experiment.search.evaluation.of_images:
        raise ConfigError(
            f"evolve.fitness = {plan.config.fitness}: chooses by scores of images, and search.evaluation "
            "gives none; use every 1 or more and a metric such as fd"
        )
    if unfit := OneShotConfig().unfit(find_space(experiment.search.space)):
        raise ConfigError(f"evolve.fitness = {plan.config.fitness}: {unfit}; use fitness training")
    strategy = experiment.search.strategy
    opponent = strategy.opponent if isinstance(strategy, OneShotConfig) else "fixed"
    if plan.config.fitness == "fine_tuning" and opponent != "fixed":
        raise ConfigError(
            "evolve.fitness = fine_tuning: candidates train on against the fixed discriminator, and "
            f"search.strategy.opponent = {opponent}; use fixed, or fitness inherited"
        )


def checkpoints_of(plan: EvolutionPlan) -> list[Checkpoint]:
    """The newest checkpoints of all runs with supernets.

    Raises:
        ConfigError: a run has none, or its supernets are of another space, width or data set.
    """
    if not plan.config.of:
        folders = [(run.title, run.job.folder) for run in plan.supernets()]
    else:
        folders = [
            (f"evolve.of = {name}", _searched(plan.experiment.folder / name)) for name in plan.config.of
        ]
    found = []
    for name, folder in folders:
        checkpoint = CheckpointStore(folder / "checkpoints", 1).latest()
        if checkpoint is None:
            raise ConfigError(f"{name}: no search has left a checkpoint there; name a run of one_shot")
        if plan.config.of:
            _require_fitting(name, checkpoint.meta.identity, identity(plan.supernet(0).job))
        found.append(checkpoint)
    return found


def _searched(run: Path) -> Path:
    """The folder of a run's own search, or of its newest one in a pipeline."""
    own = run / "search"
    return (
        own if own.is_dir() else max(run.glob("*/search"), default=own, key=lambda each: each.stat().st_mtime)
    )


SHARED = ("data.", "search.space", "search.generator.")
"""What supernets of another run must share with this one: beginnings of dotted names."""


def _require_fitting(name: str, saved: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if saved.get("search.strategy.name") != "one_shot":
        raise ConfigError(
            f"{name}: was searched by {saved.get('search.strategy.name')}; name a run of one_shot"
        )
    for option, value in wanted.items():
        if option.startswith(SHARED) and saved.get(option) != value:
            raise ConfigError(
                f"{name}: its supernets have {option} = {shown(saved.get(option))}, this run {shown(value)}; "
                "use that value, or train supernets by evolve.of []"
            )
