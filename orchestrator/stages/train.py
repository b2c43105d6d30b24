"""The stages that train, each recorded in MLflow and resumed by name: search and retrain."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.artifacts.cost import generator_parameters
from orchestrator.artifacts.generators import GENERATOR_FILE
from orchestrator.artifacts.genotypes import genotypes_to_retrain
from orchestrator.checkpoints.derivations import record_derivation
from orchestrator.cluster.launch import finished, launch
from orchestrator.config.experiment import Experiment, to_yaml
from orchestrator.console.console import Console
from orchestrator.jobs.job import Job, Stage
from orchestrator.plots.images import image_grid
from orchestrator.plots.watch import Watch
from orchestrator.stages.fresh_name import fresh_name
from orchestrator.tracking import TrackedRun, Tracker
from search_space.genotype import Genotype
from search_space.networks.generator_file import save_generator
from trainers.report import Report

Result = dict[str, Any]
"""What a command prints: ids, metrics, genotypes, paths."""

SAMPLES_FILE = "samples.png"


@dataclass(frozen=True)
class Session:
    """An experiment under way: its name is decided, its tracker open."""

    experiment: Experiment
    name: str
    """Tag `advnas.id` of the MLflow runs, and folder below the root."""
    tracker: Tracker
    console: Console
    parent: TrackedRun | None = None

    @classmethod
    def begin(cls, experiment: Experiment, console: Console) -> "Session":
        """Decide the name and open the tracker; a run without a name gets one from data and time."""
        root = experiment.root.absolute()
        name = experiment.name or fresh_name(experiment.data.name, root)
        experiment = experiment.model_copy(update={"root": root, "name": name})
        tracker = Tracker(experiment.tracking_uri, experiment.tracking.experiment, root)
        console.say(f"run {name} in {root / name}")
        return cls(experiment, name, tracker, console)

    @property
    def folder(self) -> Path:
        """Of the run's stages."""
        return self.experiment.root / self.name


def search(experiment: Experiment, console: Console) -> Result:
    """Search both architectures."""
    return search_in(Session.begin(experiment, console))


def retrain(experiment: Experiment, console: Console) -> Result:
    """Train the network of `retrain.genotype` from scratch."""
    genotypes = genotypes_to_retrain(experiment)
    return retrain_in(Session.begin(experiment, console), genotypes)


def search_in(session: Session) -> Result:
    """The search of a session."""
    return _train(session, "search", {}, _leave_figures)


def retrain_in(session: Session, genotypes: Mapping[str, Genotype]) -> Result:
    """The retraining of a session; leaves its best generator, averaged over training, as one file."""
    if session.experiment.retrain.discriminator.architecture == "fixed":
        genotypes = {"generator": genotypes["generator"]}
    return _train(session, "retrain", genotypes, _leave_generator)


def _leave_figures(job: Job, run: TrackedRun) -> Result:
    """How the search went, as figures and an animation."""
    from orchestrator.plots.watch import watch_files

    written = watch_files(job.folder, animate=True)
    run.files(written)
    return {"figures": {Path(name).stem: job.folder / name for name in written}}


def _leave_generator(job: Job, run: TrackedRun) -> Result:
    """The best generator of a retraining as a file; the newest where nothing was scored."""
    checkpoint = job.checkpoints.best() or job.checkpoints.latest()
    assert checkpoint is not None, "a finished job has a checkpoint"
    file, config = job.folder / GENERATOR_FILE, job.experiment.retrain.generator
    save_generator(file, config, job.genotypes["generator"], checkpoint.state()["ema_generator"])
    score = job.score(checkpoint.meta)
    run.artifact(GENERATOR_FILE, file.read_bytes())
    run.tag({"advnas.generator.step": str(checkpoint.meta.step)})
    run.scores({"parameters": generator_parameters(config, job.genotypes["generator"])}, {})
    return {
        "generator": file,
        "generator_step": checkpoint.meta.step,
        "generator_score": {score.name: score.value} if score else {},
    }


def write_result(folder: Path, result: Result) -> None:
    """Leave the result beside what it speaks of, as `--json` prints it."""
    from pydantic_core import to_json

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.json").write_bytes(to_json(result, indent=2, inf_nan_mode="null", fallback=str))


def _train(
    session: Session,
    stage: Stage,
    genotypes: Mapping[str, Genotype],
    leave: Callable[[Job, TrackedRun], Result] = lambda *_: {},
) -> Result:
    """Do a job as a tracked run; `leave` makes what the stage leaves behind besides."""
    job = training_job(session, stage, genotypes)
    finished(job)  # a checkpoint of another configuration is refused before its MLflow run is touched
    with tracked(session, stage, job.config.model_dump(mode="json")) as run:
        run.genotypes(genotypes)
        watch = Watch(job.folder)
        with session.console.stage(stage, job.config.steps) as view:

            def emit(report: Report) -> None:
                run.report(report)
                record_derivation(job.folder, report)
                if report.genotypes:
                    run.files(watch.due())
                view.report(report)
                if report.samples is not None:
                    (job.folder / SAMPLES_FILE).write_bytes(image_grid(report.samples))

            outcome = launch(job, emit)
        run.dataset(session.experiment.data.name, outcome.images)
        run.link_checkpoint(outcome.checkpoint)
        run.tag({"advnas.workers.by_step": _in_words(outcome.workers)})
        run.scores({}, outcome.protocol)
        left = leave(job, run)
    result = {
        **run_identity(session, run),
        "step": outcome.step,
        "metrics": dict(outcome.metrics),
        "genotypes": write_genotypes(job.folder, outcome.genotypes or genotypes),
        **({"samples": job.folder / SAMPLES_FILE} if job.has_samples else {}),
        "checkpoint": outcome.checkpoint,
        "workers": outcome.workers,
        **left,
    }
    write_result(job.folder, result)
    if job.mirror:
        job.mirror.send()
    return result


def _in_words(workers: Mapping[int, int]) -> str:
    return ", ".join(f"{count} from step {before + 1}" for before, count in workers.items())


def training_job(session: Session, stage: Stage, genotypes: Mapping[str, Genotype]) -> Job:
    """What a session's search or retraining consists of."""
    return Job(stage, session.experiment, genotypes, session.folder / stage)


def tracked(session: Session, stage: str, config: Mapping[str, Any]) -> TrackedRun:
    """The MLflow run of a stage, with the configuration it was done with."""
    experiment = session.experiment
    device = "gpu" if experiment.cluster.use_gpu else "cpu"
    run = session.tracker.run(
        session.name,
        stage,
        name=f"{experiment.name} {stage}",
        params={"seed": experiment.seed, "data": experiment.data.model_dump(mode="json"), stage: config},
        tags={"advnas.device": device, "advnas.workers": str(experiment.cluster.num_workers)},
        parent=session.parent,
    )
    run.artifact("config.yaml", to_yaml(experiment))
    return run


def run_identity(session: Session, run: TrackedRun) -> Result:
    """How to find a run again."""
    return {"name": session.name, "run_id": run.run_id, "tracking_uri": session.tracker.uri}


def write_genotypes(folder: Path, genotypes: Mapping[str, Genotype]) -> Result:
    """Genotypes as files and drawings, and what a program wants to know of them."""
    from orchestrator.plots.genotype import save_drawing

    written: Result = {}
    for network, genotype in genotypes.items():
        path = folder / f"genotype_{network}.json"
        genotype.save(path)
        save_drawing(genotype, path.with_suffix(".png"))
        written[network] = {"rows": genotype.rows, "hash": genotype.content_hash, "file": path}
    return written
