"""How candidates are scored: with the weights of supernets or by short trainings, here or as tasks on Ray."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from orchestrator.cluster.session import ClusterError, concurrent_trials, resources_per_worker
from orchestrator.config.cluster import ClusterConfig
from orchestrator.console.console import Console
from orchestrator.evolution.plan import EvolutionPlan, checkpoints_of
from orchestrator.jobs.job import Outcome
from orchestrator.jobs.supernets import InheritedScores, TrainedSupernet, supernets_of
from orchestrator.selection.live import WAIT_S, Train
from search_space.errors import UserError
from search_space.genotype import Genotype
from trainers.guarded_step import NonFiniteLoss
from trainers.interruption import raise_if_interrupted
from trainers.metrics.specs import lower_is_better, score_names

if TYPE_CHECKING:
    from ray import ObjectRef

    from orchestrator.config.experiment import Experiment

Scores = tuple[float, ...]
"""Of one candidate: logarithms, the lower the better, one a supernet or a seed; NaN where there is none."""

Fitness = Callable[[Sequence[Genotype]], Iterator[tuple[Genotype, Scores]]]
"""Scores candidates and yields each as soon as its scores are known."""

Work = tuple["Experiment", tuple[TrainedSupernet, ...], int, int]
"""What a process needs to score: the arguments of `InheritedScores`."""


def supernets(plan: EvolutionPlan, train: Train, console: Console) -> tuple[TrainedSupernet, ...]:
    """Those of the plan, trained side by side unless they have been.

    Raises:
        UserError: one has diverged; a run that should have some has none that fit.
    """
    for run, outcome in train(plan.supernets()):
        if isinstance(outcome, NonFiniteLoss):
            raise UserError(
                f"{run.title} has diverged, {outcome}; lower the learning rates of search, or change seed"
            )
        stopped = int(outcome.metrics.get("stopped_0", 0))
        end = f"stopped by rule after {stopped} steps" if stopped else "trained to its end"
        console.say(f"{run.title}: {end}")
    return tuple(each for checkpoint in checkpoints_of(plan) for each in supernets_of(checkpoint))


def work_of(plan: EvolutionPlan, found: tuple[TrainedSupernet, ...]) -> Work:
    """What scoring with these supernets takes."""
    steps = plan.config.steps if plan.config.fitness == "fine_tuning" else 0
    threads = max(1, int(plan.experiment.cluster.cpus_per_worker))
    return plan.experiment, found, threads, steps


def here(work: Work) -> Fitness:
    """In this process, one after another."""
    scores = InheritedScores(*work)

    def fitness(candidates: Sequence[Genotype]) -> Iterator[tuple[Genotype, Scores]]:
        for genotype in candidates:
            raise_if_interrupted()
            yield genotype, scores(genotype)

    return fitness


def on_ray(work: Work, at_most: int | None) -> Fitness:
    """As tasks of the connected Ray; the supernets are put into its object store once."""
    import ray

    cluster = work[0].cluster.model_copy(update={"num_workers": 0, "min_workers": None})
    reference = ray.put(work)
    task = ray.remote(**_options(cluster))(_scored)

    def fitness(candidates: Sequence[Genotype]) -> Iterator[tuple[Genotype, Scores]]:
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        places = concurrent_trials(cluster, at_most, nodes, command="evolve")
        waiting = list(candidates)[::-1]
        running: dict[ObjectRef[Scores | UserError], Genotype] = {}
        try:
            while waiting or running:
                while waiting and len(running) < places:
                    genotype = waiting.pop()
                    running[task.remote([reference], genotype)] = genotype
                ended, _ = ray.wait(list(running), timeout=WAIT_S)
                raise_if_interrupted()
                for done in ended:
                    yield running.pop(done), _result(done)
        finally:
            for one in running:
                ray.cancel(one)

    return fitness


def _options(cluster: ClusterConfig) -> dict[str, Any]:
    wanted = resources_per_worker(cluster)
    return {
        "num_cpus": wanted["CPU"],
        "num_gpus": wanted.get("GPU", 0),
        "max_retries": cluster.max_failures,  # of a scoring whose process or machine has died
    }


def _scored(references: "list[ObjectRef[Work]]", genotype: Genotype) -> Scores | UserError:
    """What a task does. The reference comes in a list, so that a process fetches supernets only once."""
    try:
        return _scores_of(references[0])(genotype)
    except UserError as error:
        return error


@lru_cache(maxsize=1)
def _scores_of(reference: "ObjectRef[Work]") -> InheritedScores:
    import ray

    return InheritedScores(*ray.get(reference))


def _result(task: "ObjectRef[Scores | UserError]") -> Scores:
    import ray

    try:
        found = ray.get(task)
    except ray.exceptions.WorkerCrashedError as error:
        raise ClusterError(
            "evolve: a process that scores a candidate died more often than cluster.max_failures (out of "
            "memory?); start again to go on, scores that are there stay"
        ) from error
    if isinstance(found, UserError):
        raise found
    return found


def by_training(plan: EvolutionPlan, train: Train) -> Fitness:
    """By short trainings; a candidate's scores are those of its seeds, in their order."""
    metric = next(iter(score_names(plan.experiment.retrain.evaluation)))

    def fitness(candidates: Sequence[Genotype]) -> Iterator[tuple[Genotype, Scores]]:
        found: dict[str, dict[int, float]] = defaultdict(dict)
        for run, outcome in train(list(plan.trainings(candidates))):
            genotype = run.job.genotypes["generator"]
            scores = found[genotype.content_hash]
            scores[run.request.seed] = _log(outcome, metric)
            if len(scores) == plan.config.seeds:
                yield genotype, tuple(scores[seed] for seed in sorted(scores))
                _clear(plan, genotype)

    return fitness


def _log(outcome: Outcome | NonFiniteLoss, metric: str) -> float:
    value = math.nan if isinstance(outcome, NonFiniteLoss) else outcome.metrics.get(metric, math.nan)
    if not (value > 0 and math.isfinite(value)):
        return math.nan
    return math.log(value) if lower_is_better(metric) else -math.log(value)


def _clear(plan: EvolutionPlan, genotype: Genotype) -> None:
    """Let go of the checkpoints of trainings whose scores have been recorded."""
    for run in plan.trainings([genotype]):
        if run.job.checkpoints.latest():
            run.job.checkpoints.clear()
