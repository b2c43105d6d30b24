"""The work after the search of a pipeline, and its cost, for an estimate of the time left."""

from orchestrator.artifacts.genotypes import with_named_discriminator
from orchestrator.config.experiment import Experiment
from orchestrator.console.outlook import Work
from orchestrator.jobs.probe import probe
from orchestrator.stages.session import Session
from orchestrator.stages.train import training_job
from search_space.genotype import Genotype
from search_space.sampling import sample_genotype
from search_space.spaces.registry import find_space
from trainers.compute import device_for


def retraining_work(session: Session) -> Work:
    """The work of the whole retraining."""
    job = training_job(session, "retrain", {})
    return Work("retrain", job.end, images=job.images_after(0))


def scoring_work(experiment: Experiment) -> Work:
    """The work of the scores at the end."""
    evaluation = experiment.retrain.evaluation
    return Work("evaluate", images=evaluation.samples if evaluation.of_images else 0)


def measure_retraining(session: Session) -> None:
    """Tell the console the costs of a retraining, measured on a random genotype if that is cheap."""
    experiment = session.experiment
    space = experiment.search.space
    drawn: dict[str, Genotype] = {
        network: sample_genotype(network, 0, space) for network in find_space(space).cells
    }
    named = with_named_discriminator(experiment, drawn)
    costs = probe(training_job(session, "retrain", named), device_for(experiment.cluster.use_gpu))
    if costs:
        session.console.outlook.steps["retrain"] = costs.step
        session.console.outlook.image = costs.image
