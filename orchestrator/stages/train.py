"""The stages that train, each recorded in MLflow and resumed by name: search and retrain."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import torch

from orchestrator.artifacts.cost import generator_parameters
from orchestrator.artifacts.generators import GENERATOR_FILE
from orchestrator.artifacts.genotypes import genotypes_to_retrain
from orchestrator.checkpoints.claim import sole_owner
from orchestrator.checkpoints.derivations import record_derivation
from orchestrator.checkpoints.store import CheckpointMeta
from orchestrator.cluster.launch import drive, finished
from orchestrator.config.experiment import Experiment
from orchestrator.console.console import Console
from orchestrator.jobs.job import Job, Outcome, Stage
from orchestrator.plots.images import image_grid
from orchestrator.plots.watch import Watch
from orchestrator.stages.preview import preview
from orchestrator.stages.results import GenotypeFile, Retrained, Searched, Trained, write_result
from orchestrator.stages.session import Session, run_identity, tracked
from orchestrator.stages.trust import trust_of_search
from orchestrator.tracking import TrackedRun
from search_space.genotype import Genotype
from search_space.networks.generator_file import load_generator, save_generator
from trainers.files import written_whole
from trainers.report import Report
from trainers.samples import sample_grid

SAMPLES_FILE = "samples.png"

T = TypeVar("T", Searched, Retrained)


def search(experiment: Experiment, console: Console) -> Searched:
    """Search both architectures."""
    session = Session.begin(experiment, console)
    preview(session.experiment, session.folder, console, "search")
    return search_in(session)


def retrain(experiment: Experiment, console: Console) -> Retrained:
    """Train the network of `retrain.genotype` from scratch."""
    genotypes = genotypes_to_retrain(experiment)
    session = Session.begin(experiment, console)
    preview(session.experiment, session.folder, console, "retrain")
    return retrain_in(session, genotypes)


def search_in(session: Session) -> Searched:
    """The search of a session; leaves figures and an animation of how it went."""
    from orchestrator.plots.watch import watch_files

    job = training_job(session, "search", {})
    with _trained(session, job) as (outcome, run):
        figures = watch_files(job.folder, animate=True)
        run.files(figures)
        trust = trust_of_search(job, run, session.console)
    drawings = {Path(name).stem: job.folder / name for name in figures}
    searched = Searched(
        run_identity(session, run),
        _came_out(job, outcome),
        samples=job.folder / SAMPLES_FILE if job.has_samples else None,
        figures={**drawings, "trust": trust.drawing} if trust else drawings,
        trust=trust.sentence if trust else None,
        folder=job.folder,
    )
    return _stored(job, searched)


def retrain_in(session: Session, genotypes: Mapping[str, Genotype]) -> Retrained:
    """The retraining of a session; leaves its best generator, averaged over training, as one file."""
    if session.experiment.retrain.discriminator.architecture == "fixed":
        genotypes = {"generator": genotypes["generator"]}
    job = training_job(session, "retrain", genotypes)
    with _trained(session, job) as (outcome, run):
        best = _save_generator(job, run)
    score = job.score(best)
    if score and best.step < outcome.step:
        session.console.say(
            f"retrain: step {best.step} has the best {score.name} ({score.value:.4g}); generator and samples "
            "are of that step"
        )
    retrained = Retrained(
        run_identity(session, run),
        _came_out(job, outcome),
        samples=job.folder / SAMPLES_FILE,
        generator=job.folder / GENERATOR_FILE,
        generator_step=best.step,
        generator_score={score.name: score.value} if score else {},
    )
    return _stored(job, retrained)


def _save_generator(job: Job, run: TrackedRun) -> CheckpointMeta:
    """Leave the best generator of a retraining as a file; the newest where nothing was scored."""
    file = job.folder / GENERATOR_FILE
    best = save_best_generator(job, file)
    save_samples(file, job.experiment.seed, job.folder / SAMPLES_FILE)
    run.artifact(GENERATOR_FILE, file.read_bytes())
    run.tag({"advnas.generator.step": str(best.step)})
    size = generator_parameters(job.experiment.retrain.generator, job.genotypes["generator"])
    run.scores({"parameters": size}, {})
    return best


def save_samples(generator: Path, seed: int, file: Path) -> None:
    """Write a grid of a generator's images, from latents that depend on the seed alone."""
    network, _ = load_generator(generator)
    images = sample_grid(network.eval(), network.config.latent_dim, seed, torch.device("cpu"))
    file.write_bytes(image_grid(images))


def save_best_generator(job: Job, file: Path) -> CheckpointMeta:
    """Write the averaged generator of a retraining's best checkpoint; the newest where none was scored."""
    checkpoint = job.checkpoints.best() or job.checkpoints.latest()
    assert checkpoint is not None, "a finished job has a checkpoint"
    config = job.experiment.retrain.generator
    with written_whole(file) as whole:
        save_generator(whole, config, job.genotypes["generator"], checkpoint.state()["ema_generator"])
    return checkpoint.meta


@contextmanager
def _trained(session: Session, job: Job) -> Iterator[tuple[Outcome, TrackedRun]]:
    """Do a job as a tracked run, which stays open for what the stage leaves behind."""
    with ExitStack() as held:
        # What is refused is refused before the MLflow run is touched, which may be that of a start under way.
        held.enter_context(sole_owner(session.experiment, job.folder))
        if job.copy:
            job.copy.fetch_checkpoints()
        finished(job)
        config = job.config.model_dump(mode="json")
        run = held.enter_context(tracked(session, job.stage, config, job.genotypes))
        run.genotypes(job.genotypes)
        watch = Watch(job.folder)
        first = job.checkpoints.step()
        with session.console.stage(
            job.stage, job.config.steps, first, images_after=job.images_after, effort=job.effort
        ) as view:

            def emit(report: Report) -> None:
                run.report(report)
                record_derivation(job.folder, report)
                if report.genotypes:
                    run.files(watch.due())
                view.report(report)
                if report.samples is not None:
                    (job.folder / SAMPLES_FILE).write_bytes(image_grid(report.samples))

            outcome = drive(job, emit)
        run.dataset(session.experiment.data.name, outcome.images)
        run.link_checkpoint(outcome.checkpoint)
        run.tag({"advnas.workers.by_step": _in_words(outcome.workers)})
        run.scores({}, outcome.protocol)
        if found := outcome.genotypes.get("generator"):
            retrained = session.experiment.retrain.generator
            run.scores({"parameters": generator_parameters(retrained, found)}, {})
        yield outcome, run


def _came_out(job: Job, outcome: Outcome) -> Trained:
    return Trained(
        step=outcome.step,
        metrics=dict(outcome.metrics),
        genotypes=write_genotypes(job.folder, outcome.genotypes or job.genotypes),
        checkpoint=outcome.checkpoint,
        workers=outcome.workers,
    )


def _stored(job: Job, result: T) -> T:
    write_result(job.folder, result)
    if job.copy:
        job.copy.send()
    return result


def _in_words(workers: Mapping[int, int]) -> str:
    return ", ".join(f"{count} from step {before + 1}" for before, count in workers.items())


def training_job(session: Session, stage: Stage, genotypes: Mapping[str, Genotype]) -> Job:
    """What a session's search or retraining consists of."""
    return Job(stage, session.experiment, genotypes, session.folder / stage)


def write_genotypes(folder: Path, genotypes: Mapping[str, Genotype]) -> dict[str, GenotypeFile]:
    """Write genotypes as files and drawings."""
    from orchestrator.plots.genotype import save_drawing

    written = {}
    for network, genotype in genotypes.items():
        path = folder / f"genotype_{network}.json"
        genotype.save(path)
        save_drawing(genotype, path.with_suffix(".png"))
        written[network] = GenotypeFile(genotype, path)
    return written
