"""search or evolve -> select -> retrain -> evaluate -> register as one run: no finished stage is done again.

A selection whose last rung is the end of the training ships its best run; nothing is retrained then.

Each stage lies in a folder named by everything that decides its result, so a changed setting starts that
stage and those that depend on it anew, and nothing else; what was there before stays.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from orchestrator.artifacts.cost import generator_parameters
from orchestrator.artifacts.genotypes import genotypes_to_retrain, with_named_discriminator
from orchestrator.checkpoints.claim import sole_owner
from orchestrator.config.experiment import Experiment
from orchestrator.config.identity import json_hash
from orchestrator.config.renamed import PRECISION, first_identity
from orchestrator.console.console import Console
from orchestrator.console.outlook import Work
from orchestrator.evolution.plan import STAGE, EvolutionPlan, require_sound
from orchestrator.evolution.stage import evolve_in
from orchestrator.jobs.identity import identity, lacks_precision
from orchestrator.jobs.job import Job, Stage
from orchestrator.selection.plan import SelectionPlan, plan_of, selection_work, ships
from orchestrator.selection.shipping import Shipped
from orchestrator.selection.stage import Selected, select_in
from orchestrator.stages.evaluate import evaluate_in
from orchestrator.stages.later import measure_retraining, retraining_work, scoring_work
from orchestrator.stages.preview import contact_sheet, preview
from orchestrator.stages.results import (
    MERGED,
    Evaluated,
    Evolved,
    Retrained,
    RunIdentity,
    Searched,
    write_result,
)
from orchestrator.stages.session import Session, run_identity
from orchestrator.stages.train import retrain_in, search_in, training_job
from orchestrator.tracking import TrackedRun, TrackingError
from orchestrator.tracking.columns import columns, data_name
from orchestrator.tracking.registry import Trained, register
from search_space.genotype import Genotype
from trainers.metrics.extractors.registry import make_extractor


@dataclass(frozen=True)
class StageResults:
    """What the stages of a pipeline returned, by name; None where a stage is left out."""

    search: Searched | Evolved | None
    select: Selected | None
    retrain: Retrained | None
    evaluate: Evaluated


@dataclass(frozen=True)
class PipelineResult:
    """A finished pipeline."""

    run: RunIdentity = field(metadata=MERGED)
    metrics: Mapping[str, float]
    generator: Path
    samples: Path
    genotype: Path
    """The generator's."""
    model: str | None
    """Address in MLflow's registry; None where it is not registered."""
    stages: StageResults


def pipeline(experiment: Experiment, console: Console) -> PipelineResult:
    """The main job; in MLflow one parent run with a child for each stage."""
    if experiment.select:
        ships(experiment)  # mistakes show before the search
    if experiment.evolve.in_pipeline:
        require_sound(experiment)
    session = Session.begin(experiment, console)
    experiment = session.experiment
    if experiment.retrain.evaluation.metrics:  # weights that cannot be had, too
        make_extractor(experiment.retrain.evaluation, experiment.folder / "cache", torch.device("cpu"))
    selection, retraining, scoring = _works(session)
    with _begun(session) as run:
        session = replace(session, parent=run)
        run.files(contact_sheet(experiment))
        with console.ahead(*selection, *retraining, scoring):
            searched = None if experiment.retrain.genotype else _searched(session)
        selecting = _selecting(session, searched.folder) if searched and experiment.select else None
        with console.ahead(*retraining, scoring):
            selected = select_in(*selecting) if selecting else None
        found = selected or searched
        genotypes = (
            with_named_discriminator(experiment, _genotypes(found))
            if found
            else genotypes_to_retrain(experiment)
        )
        finished: Shipped | Retrained
        if selecting and selected and selected.shipped and ships(experiment):
            (training, _), retrained, finished, trained_in = selecting, None, selected.shipped, selected.run
            genotype = selected.genotypes["generator"].file
        else:
            training = _stage(session, "retrain", genotypes)
            with console.ahead(scoring):
                finished = retrained = retrain_in(training, genotypes)
            trained_in, genotype = retrained.run, retrained.trained.genotypes["generator"].file
        evaluated = evaluate_in(training, finished.generator)
        run.genotypes(genotypes)
        size = generator_parameters(experiment.retrain.generator, genotypes["generator"])
        run.scores({**evaluated.metrics, "parameters": size}, evaluated.fingerprint)
        run.image("samples", finished.samples.read_bytes(), max(run.last_step, 0))
        model = _register(session, run, genotypes["generator"], finished, trained_in, evaluated)
        result = PipelineResult(
            run_identity(session, run),
            metrics=evaluated.metrics,
            generator=finished.generator,
            samples=finished.samples,
            genotype=genotype,
            model=model,
            stages=StageResults(searched, selected, retrained, evaluated),
        )
        write_result(session.folder, result)
    return result


def _searched(session: Session) -> Searched | Evolved:
    """What a search has derived or an evolution has bred, in the folder of what decides it."""
    if not session.experiment.evolve.in_pipeline:
        stage = _stage(session, "search", {})
        if training_job(stage, "search", {}).checkpoints.step() < session.experiment.search.steps:
            session.console.say("pipeline: measuring a few steps of a retraining, for the time left")
            measure_retraining(stage)
        return search_in(stage)
    plan = EvolutionPlan(session.experiment, session.folder / STAGE)
    return evolve_in(_in_folder_of(session, plan.identity))


def _works(session: Session) -> tuple[list[Work], list[Work], Work]:
    """The work of the selection, the retraining and the scores at the end; what is left out has none."""
    experiment = session.experiment
    selection = [selection_work(experiment)] if experiment.select else []
    shipped = experiment.select and not experiment.retrain.genotype and ships(experiment)
    return selection, [] if shipped else [retraining_work(session)], scoring_work(experiment)


@contextmanager
def _begun(session: Session) -> Iterator[TrackedRun]:
    """The parent run, once the folder is this process's alone and the images have been shown."""
    experiment = session.experiment
    stages = ("retrain",) if experiment.retrain.genotype else ("search", "retrain")
    with sole_owner(experiment, session.folder):
        preview(experiment, session.folder, session.console, *stages)
        with session.tracker.run(
            session.name,
            "pipeline",
            name=session.name,
            params=experiment.model_dump(mode="json"),
            tags={},
            columns=columns(experiment, "pipeline"),
        ) as run:
            yield run


def _stage(session: Session, stage: Stage, genotypes: Mapping[str, Genotype]) -> Session:
    """The session of one stage, in the folder of what decides its result."""
    return _in_folder_of(session, _deciding(training_job(session, stage, genotypes)))


def _in_folder_of(session: Session, deciding: Mapping[str, Any]) -> Session:
    """The session of a stage; that of an earlier version, which did not record the precision, goes on."""
    name = _first_hash(deciding)
    if session.experiment.compute.precision != "auto" and not (session.folder / name).exists():
        earlier = _first_hash({key: value for key, value in deciding.items() if key != PRECISION})
        if lacks_precision(session.folder / earlier):
            name = earlier
    return replace(session, name=f"{session.name}/{name}")


def _register(
    session: Session,
    parent: TrackedRun,
    genotype: Genotype,
    finished: Shipped | Retrained,
    trained_in: RunIdentity,
    evaluated: Evaluated,
) -> str | None:
    """The generator's address in MLflow's registry; none where it should not be there.

    A store that refuses ends no pipeline: all the work is done, and the same command registers later.
    """
    experiment = session.experiment
    if experiment.tracking.model is None:
        return None
    trained = Trained(
        generator=finished.generator,
        samples=finished.samples,
        genotype=genotype,
        scores=evaluated.metrics,
        protocol=evaluated.fingerprint,
        data=data_name(experiment),
        run=session.name,
        step=finished.generator_step,
    )
    try:
        # As a part of the training's run: that one keeps what `advnas generate models:/...` looks for.
        runs = (trained_in.run_id, parent.run_id)
        return register(trained, experiment.tracking.model, runs, session.tracker.uri)
    except TrackingError as error:
        session.console.say(
            f"not registered: {error}; the same command with --name {session.name} tries again"
        )
        return None


def _selecting(session: Session, searched: Path) -> tuple[Session, SelectionPlan]:
    """The selection to do, in the folder of what decides it: candidates, rungs and rules, the recipe."""
    plan = plan_of(session, searched)
    return _in_folder_of(session, plan.deciding), plan


def job_hash(job: Job) -> str:
    """Eight digits that change whenever the stage's numbers or scores would."""
    return _first_hash(_deciding(job))


def _deciding(job: Job) -> dict[str, Any]:
    deciding = {**identity(job), "evaluation": job.config.evaluation.model_dump(mode="json")}
    if "gap" in job.config.evaluation.metrics:
        deciding["search.gap_steps"] = job.experiment.search.gap_steps
    return deciding


def _first_hash(deciding: Mapping[str, Any]) -> str:
    """The hash with first option names, so that pipelines of earlier versions resume in their folders."""
    return json_hash(first_identity(deciding))


def _genotypes(found: Searched | Evolved | Selected) -> dict[str, Genotype]:
    files = found.trained.genotypes if isinstance(found, Searched) else found.genotypes
    return {network: each.genotype for network, each in files.items()}
