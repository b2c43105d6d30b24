"""The state and the loop of a job, for both kinds of training."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch

from orchestrator.jobs.job import Job, Stage, is_due
from search_space.errors import UserError
from search_space.genotype import Genotype
from trainers.datasets.batches import Batches
from trainers.datasets.images import Images
from trainers.distributed import rank, use_ghost_batches, world_size
from trainers.report import Evaluate, Report
from trainers.retrain import retrain
from trainers.retrain_state import RetrainState, build_networks
from trainers.search import search
from trainers.state import TrainingState
from trainers.strategies.inherited import Score
from trainers.strategies.strategy import SearchSetup


@dataclass(frozen=True)
class Training:
    """A state before its first step, the same on every worker, and its loop."""

    state: TrainingState
    reports: Callable[[Images, Evaluate], Iterator[Report]]
    """Trains from wherever the state is to the end of the job."""
    use_scores: Callable[[Score], None] = lambda _: None
    """Takes what scores networks, if something is scored."""


def searching(job: Job, device: torch.device) -> Training:
    """By the configured strategy.

    Raises:
        UserError: the strategy cannot search the space, or needs scores, and there are none.
    """
    config, seed = job.experiment.search, job.experiment.seed
    if config.misfit:  # where evolve.fitness is training, the configuration may say so
        raise UserError(f"search.{config.misfit}")
    if config.strategy.chooses_by_scores and not config.evaluation.every:
        raise UserError(
            f"search.strategy = {config.strategy.name} chooses by scores, and search.evaluation.every = 0 "
            "scores nothing; use 1 or more"
        )
    if config.strategy.chooses_by_scores and not config.evaluation.of_images:
        raise UserError(
            f"search.strategy = {config.strategy.name} chooses by scores of images, and "
            "search.evaluation.metrics = [gap] gives none; name another metric too"
        )
    setup = SearchSetup(config, config.generator, config.discriminator, seed, device, job.experiment.compute)
    strategy = config.strategy.build(setup)
    for network in strategy.state.networks():
        use_ghost_batches(network, job.experiment.cluster.shares)

    def reports(images: Images, evaluate: Evaluate) -> Iterator[Report]:
        batches = Batches(images, config.batch_size, seed, rank(), world_size(), device, halves=True)
        return search(strategy, batches, setup, evaluate, gap_is_due)

    def gap_is_due(step: int) -> bool:
        return "gap" in config.evaluation.metrics and is_due(config, step, job.end)

    return Training(strategy.state, reports, strategy.use_scores)


def retraining(job: Job, device: torch.device) -> Training:
    """The training of the networks that the job's genotypes describe.

    Raises:
        UserError: the discriminator should be derived, but there is no genotype of it.
    """
    config, seed, compute = job.experiment.retrain, job.experiment.seed, job.experiment.compute
    genotypes = _networks(job.genotypes, config.discriminator.architecture)
    generator, discriminator = build_networks(
        config.generator, config.discriminator, genotypes, seed, config.loss.outputs, config.initialisation
    )
    state = RetrainState(generator, discriminator, config, device, compute)
    use_ghost_batches(state.generator, job.experiment.cluster.shares)

    def reports(images: Images, evaluate: Evaluate) -> Iterator[Report]:
        batches = Batches(images, config.batch_size, seed, rank(), world_size(), device)
        return retrain(state, batches, config, seed, evaluate, compute, job.end)

    return Training(state, reports)


TRAININGS: Mapping[Stage, Callable[[Job, torch.device], Training]] = {
    "search": searching,
    "retrain": retraining,
}


def _networks(genotypes: Mapping[str, Genotype], architecture: str) -> dict[str, Genotype]:
    if architecture == "fixed":
        return {"generator": genotypes["generator"]}
    if "discriminator" not in genotypes:
        raise UserError(
            "retrain.discriminator.architecture = derived: there is no discriminator's genotype; use fixed, "
            "or a run that searched both networks"
        )
    return dict(genotypes)
