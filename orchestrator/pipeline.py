"""search -> select -> retrain -> evaluate -> register as one run: a finished stage is not done again.

A selection whose last rung is the end of the training ships its best run; nothing is retrained then.

Each stage lies in a folder named by everything that decides its result, so a changed setting starts that
stage and those that depend on it anew, and nothing else; what was there before stays.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from orchestrator.artifacts.genotypes import genotypes_to_retrain
from orchestrator.config.experiment import Experiment
from orchestrator.console.console import Console
from orchestrator.jobs.identity import identity
from orchestrator.jobs.job import Job, Stage
from orchestrator.selection.stage import Contest, contest_of, select_in, ships
from orchestrator.stages.evaluate import evaluate_in
from orchestrator.stages.train import (
    Result,
    Session,
    retrain_in,
    search_in,
    training_job,
    write_result,
)
from orchestrator.tracking import TrackingError
from orchestrator.tracking.registry import Trained, register
from search_space.genotype import Genotype
from trainers.metrics.extractors.registry import make_extractor


def pipeline(experiment: Experiment, console: Console) -> Result:
    """The main job; in MLflow one parent run with a child for each stage."""
    if experiment.select:
        ships(experiment)  # mistakes show before the search
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
        selecting = _selecting(session, searched) if searched and experiment.select else None
        selected = select_in(*selecting) if selecting else None
        found = selected or searched
        genotypes = _found(found) if found else genotypes_to_retrain(experiment)
        if selecting and selected and ships(experiment):
            training, retrained, trained = selecting[0], None, selected
        else:
            training = _stage(session, "retrain", genotypes)
            trained = retrained = retrain_in(training, genotypes)
        evaluated = evaluate_in(training, Path(trained["generator"]))
        run.genotypes(genotypes)
        run.scores(evaluated["metrics"], evaluated["fingerprint"])
        model = _register(session, genotypes["generator"], trained, evaluated)
    stages = {"search": searched, "select": selected, "retrain": retrained, "evaluate": evaluated}
    result = {
        "name": session.name,
        "run_id": run.run_id,
        "tracking_uri": session.tracker.uri,
        "metrics": evaluated["metrics"],
        "generator": trained["generator"],
        "samples": trained["samples"],
        "genotype": trained["genotypes"]["generator"]["file"],
        **({"model": model} if model else {}),
        "stages": {stage: outcome for stage, outcome in stages.items() if outcome},
    }
    write_result(session.folder, result)
    return result


def _stage(session: Session, stage: Stage, genotypes: Mapping[str, Genotype]) -> Session:
    """The session of one stage, in the folder of what decides its result."""
    job = training_job(session, stage, genotypes)
    return replace(session, name=f"{session.name}/{digest(job)}")


def _register(session: Session, genotype: Genotype, retrained: Result, evaluated: Result) -> str | None:
    """The generator's address in MLflow's registry; none where it should not be there.

    A store that refuses ends no pipeline: all the work is done, and the same command registers later.
    """
    experiment = session.experiment
    if experiment.tracking.model is None:
        return None
    trained = Trained(
        generator=Path(retrained["generator"]),
        samples=Path(retrained["samples"]),
        genotype=genotype,
        scores=evaluated["metrics"],
        protocol=evaluated["fingerprint"],
        data=experiment.data.name,
        run=session.name,
    )
    try:
        # As a part of the retraining's run: that one keeps what `advnas generate models:/...` looks for.
        return register(trained, experiment.tracking.model, retrained["run_id"], session.tracker.uri)
    except TrackingError as error:
        session.console.say(
            f"not registered: {error}; the same command with --name {session.name} tries again"
        )
        return None


def _selecting(session: Session, searched: Result) -> tuple[Session, Contest]:
    """The selection to do, in the folder of what decides it: candidates, rungs and rules, the recipe."""
    contest = contest_of(session, Path(searched["genotypes"]["generator"]["file"]).parent)
    return replace(session, name=f"{session.name}/{_hash(contest.deciding)}"), contest


def digest(job: Job) -> str:
    """Eight digits that change whenever the stage's numbers or scores would."""
    return _hash({**identity(job), "evaluation": job.config.evaluation.model_dump(mode="json")})


def _hash(deciding: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:8]


def _found(searched: Result) -> dict[str, Genotype]:
    return {network: Genotype.load(Path(found["file"])) for network, found in searched["genotypes"].items()}
