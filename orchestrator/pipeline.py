"""search -> select -> retrain -> evaluate -> register as one run: a finished stage is not done again.

Each stage lies in a folder named by everything that decides its result, so a changed setting starts that
stage and those that depend on it anew, and nothing else; what was there before stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from orchestrator.artifacts.genotypes import genotypes_to_retrain, with_named_discriminator
from orchestrator.config.experiment import Experiment
from orchestrator.config.identity import json_hash
from orchestrator.config.renamed import first_identity
from orchestrator.console.console import Console
from orchestrator.jobs.identity import identity
from orchestrator.jobs.job import Job, Stage
from orchestrator.selection.stage import Selected, contest_of, select_in, select_stage
from orchestrator.stages.evaluate import evaluate_in
from orchestrator.stages.results import MERGED, Evaluated, Retrained, RunIdentity, Searched, write_result
from orchestrator.stages.train import Session, retrain_in, run_identity, search_in, training_job
from orchestrator.tracking import TrackingError
from orchestrator.tracking.registry import Trained, register
from search_space.genotype import Genotype
from trainers.metrics.extractors.registry import make_extractor


@dataclass(frozen=True)
class StageResults:
    """What the stages of a pipeline returned, by name; None where a stage is left out."""

    search: Searched | None
    select: Selected | None
    retrain: Retrained
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
        select_stage(experiment)  # mistakes show before the search
    session = Session.begin(experiment, console)
    experiment = session.experiment
    if experiment.retrain.evaluation.metrics:  # weights that cannot be had, too
        make_extractor(experiment.retrain.evaluation, experiment.root / "cache", torch.device("cpu"))
    with session.tracker.run(
        session.name,
        "pipeline",
        name=session.name,
        params=experiment.model_dump(mode="json"),
        tags={},
    ) as run:
        session = replace(session, parent=run)
        searched = None if experiment.retrain.genotype else search_in(_stage(session, "search", {}))
        selected = _select(session, searched.folder) if searched and experiment.select else None
        found = selected or searched
        genotypes = (
            with_named_discriminator(experiment, _genotypes(found))
            if found
            else genotypes_to_retrain(experiment)
        )
        retraining = _stage(session, "retrain", genotypes)
        retrained = retrain_in(retraining, genotypes)
        evaluated = evaluate_in(retraining, retrained.generator)
        run.genotypes(genotypes)
        run.scores(evaluated.metrics, evaluated.fingerprint)
        model = _register(session, genotypes["generator"], retrained, evaluated)
    result = PipelineResult(
        run_identity(session, run),
        metrics=evaluated.metrics,
        generator=retrained.generator,
        samples=retrained.samples,
        genotype=retrained.trained.genotypes["generator"].file,
        model=model,
        stages=StageResults(searched, selected, retrained, evaluated),
    )
    write_result(session.folder, result)
    return result


def _stage(session: Session, stage: Stage, genotypes: Mapping[str, Genotype]) -> Session:
    """The session of one stage, in the folder of what decides its result."""
    job = training_job(session, stage, genotypes)
    return replace(session, name=f"{session.name}/{job_hash(job)}")


def _register(session: Session, genotype: Genotype, retrained: Retrained, evaluated: Evaluated) -> str | None:
    """The generator's address in MLflow's registry; none where it should not be there.

    A store that refuses ends no pipeline: all the work is done, and the same command registers later.
    """
    experiment = session.experiment
    if experiment.tracking.model is None:
        return None
    trained = Trained(
        generator=retrained.generator,
        samples=retrained.samples,
        genotype=genotype,
        scores=evaluated.metrics,
        protocol=evaluated.fingerprint,
        data=experiment.data.name,
        run=session.name,
    )
    try:
        # As a part of the retraining's run: that one keeps what `advnas generate models:/...` looks for.
        return register(trained, experiment.tracking.model, retrained.run.run_id, session.tracker.uri)
    except TrackingError as error:
        session.console.say(
            f"not registered: {error}; the same command with --name {session.name} tries again"
        )
        return None


def _select(session: Session, searched: Path) -> Selected:
    """The selection, in the folder of what decides it: candidates, rungs and rules, the recipe."""
    contest = contest_of(session, searched)
    return select_in(replace(session, name=f"{session.name}/{_first_hash(contest.deciding)}"), contest)


def job_hash(job: Job) -> str:
    """Eight digits that change whenever the stage's numbers or scores would."""
    deciding = {**identity(job), "evaluation": job.config.evaluation.model_dump(mode="json")}
    return _first_hash(deciding)


def _first_hash(deciding: Mapping[str, Any]) -> str:
    """Of the first names, so that a pipeline begun by an earlier version goes on in its folders."""
    return json_hash(first_identity(deciding))


def _genotypes(found: Searched | Selected) -> dict[str, Genotype]:
    files = found.trained.genotypes if isinstance(found, Searched) else found.genotypes
    return {network: each.genotype for network, each in files.items()}
