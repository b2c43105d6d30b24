"""`advnas evaluate`: scores a generator or images, and records the protocol with the scores."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from orchestrator.artifacts.generators import TrainedGenerator
from orchestrator.artifacts.images import Against, Subject, find_against, find_subject, require_there
from orchestrator.checkpoints.claim import sole_owner
from orchestrator.checkpoints.stored_folder import bring_run
from orchestrator.config.experiment import Experiment
from orchestrator.config.identity import json_hash
from orchestrator.console.console import Console
from orchestrator.stages.results import Evaluated, write_result
from orchestrator.stages.session import Session, run_identity, tracked
from orchestrator.tracking import TrackedRun
from search_space.errors import UserError
from search_space.networks.generator_file import load_generator
from trainers.compute import device_for
from trainers.datasets.images import Images
from trainers.metrics.evaluator import Evaluator
from trainers.metrics.extractors.registry import make_extractor
from trainers.metrics.protocols import following, protocol_name
from trainers.metrics.score_images import Scores, score_images


def evaluate(
    experiment: Experiment,
    console: Console,
    of: str | None = None,
    against: str | None = None,
    genotype: str | None = None,
    protocol: str | None = None,
) -> Evaluated:
    """Score what `of` names, the run of that name if it is None, as `retrain.evaluation` or a protocol says.

    Each way of scoring has a folder and an MLflow run of its own, so that no two are taken for one.

    Raises:
        UserError: there is nothing to score, or nothing to compare with.
    """
    source = of or experiment.name
    if source is None:
        raise UserError("--of: say what to score: a run, a generator.pt, a .pth checkpoint or a folder")
    if protocol is not None:
        retrain = experiment.retrain
        chosen = retrain.model_copy(update={"evaluation": following(protocol, retrain.evaluation)})
        experiment = experiment.model_copy(update={"retrain": chosen})
    device = device_for(experiment.cluster.use_gpu)
    for word in (source, against, genotype):
        bring_run(experiment, word)
    if against is not None:
        require_there(against, experiment.folder)
    subject = find_subject(source, experiment, genotype)
    reference = find_against(against, experiment, genotype, device)
    _require_ready(reference, experiment.folder / "cache")
    if experiment.name is None and isinstance(subject, TrainedGenerator):
        experiment = experiment.model_copy(update={"name": subject.run})
    session = Session.begin(experiment, console)
    session = replace(session, name=f"{session.name}/{_hash(subject, reference)}")
    return _score_in(session, source, subject, reference)


def evaluate_in(session: Session, generator_file: Path) -> Evaluated:
    """Score a generator of ours, with the protocol of retraining."""
    experiment = session.experiment
    generator = TrainedGenerator(*load_generator(generator_file), generator_file)
    reference = find_against(None, experiment, None, device_for(experiment.cluster.use_gpu))
    return _score_in(session, str(generator_file), generator, reference)


def _score_in(session: Session, source: str, subject: Subject, against: Against) -> Evaluated:
    experiment, config = session.experiment, against.evaluation
    with (
        sole_owner(experiment, session.folder / "evaluate"),
        tracked(session, "evaluate", config.model_dump(mode="json")) as run,
    ):
        _describe(run, source, subject, against)
        count = len(subject) if isinstance(subject, Images) else config.samples
        session.console.say(f"evaluate: {count} images of {source} against {against.name}")
        device = device_for(experiment.cluster.use_gpu)
        scores = _scores(subject, against, experiment.folder / "cache", device)
        run.scores(scores.values, scores.protocol)
        result = Evaluated(
            run_identity(session, run),
            of=source,
            against=against.name,
            protocol=protocol_name(config.model_copy(update={"samples": count})),
            metrics=dict(scores.values),
            fingerprint=dict(scores.protocol),
        )
        write_result(session.folder / "evaluate", result)
    return result


def _require_ready(against: Against, cache: Path) -> None:
    """Find missing files before there is a folder and an MLflow run that would be left empty.

    Raises:
        UserError: no such statistics, or the extractor's weights cannot be had.
    """
    file = against.evaluation.statistics
    if file is not None and not file.is_file():
        raise UserError(f"there is no file {file}; `advnas evaluate stats` makes statistics")
    make_extractor(against.evaluation, cache, torch.device("cpu"))


def _describe(run: TrackedRun, source: str, subject: Subject, against: Against) -> None:
    run.tag({"advnas.evaluate.of": source, "advnas.evaluate.against": against.name})
    if against.images is not None:
        run.dataset(against.name, against.images.content_hash)
    if isinstance(subject, TrainedGenerator):
        run.tag({"advnas.genotype.generator": subject.genotype.content_hash})


def _scores(subject: Subject, against: Against, cache: Path, device: torch.device) -> Scores:
    config = against.evaluation
    if isinstance(subject, Images):
        return score_images(subject, against.images, config, cache, device)
    evaluator = Evaluator(config, against.images, cache, device, subject.weights)
    values = evaluator(subject.network.to(device), subject.network.config.latent_dim)
    return Scores(values, evaluator.protocol)


def _hash(subject: Subject, against: Against) -> str:
    """Eight digits that differ if scores mean something else."""
    deciding: Mapping[str, object] = {
        "of": subject.content_hash if isinstance(subject, Images) else subject.genotype.content_hash,
        "file": None if isinstance(subject, Images) else str(subject.file.absolute()),
        "against": against.images.content_hash if against.images else None,
        "evaluation": against.evaluation.model_dump(mode="json"),
    }
    return json_hash(deciding)
