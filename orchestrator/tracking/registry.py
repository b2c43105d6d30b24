"""A generator becomes a model of its run and a version of a registered one; twice, it is one version."""

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import search_space
from orchestrator.tracking.recording import edge_params, finite
from orchestrator.tracking.sending.entry import now
from orchestrator.tracking.store import client_of, explained
from search_space.genotype import Genotype
from search_space.networks.generator_file import load_generator
from trainers.metrics.specs import lower_is_better

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel
    from mlflow.entities.model_registry import ModelVersion

CODE = Path(__file__).with_name("generator_model.py")
NETWORKS = Path(search_space.__file__).parent
"""Goes into the model, so that who loads it needs no package of this project's name from an index."""
NEEDED = ("jaxtyping", "numpy", "pydantic", "torch")
"""By `NETWORKS`; MLflow adds itself."""

GENERATOR_TAG = "advnas.generator.sha256"
MODEL_TYPE = "generator"
VERSIONS_TAG = "mlflow.modelVersions"
"""By it MLflow's pages lead from a logged model to its registered version."""
CHAMPION = "champion"
"""Alias of the best version, as far as scores can be compared: `models:/NAME@champion`."""


@dataclass(frozen=True)
class Trained:
    """What is registered."""

    generator: Path
    samples: Path
    """A grid, PNG."""
    genotype: Genotype
    scores: Mapping[str, float]
    protocol: Mapping[str, str]
    """What the scores were made with."""
    data: str
    run: str
    """Its name."""
    step: int
    """At which the generator was taken."""


def register(trained: Trained, model: str, runs: Sequence[str], uri: str) -> str:
    """The address models:/NAME/VERSION of the generator, made if the model has no version of it yet.

    `runs` are ids: the first has trained the generator, the others show the model as theirs too.

    Raises:
        TrackingError: the store does not answer, or refuses.
    """
    digest = hashlib.sha256(trained.generator.read_bytes()).hexdigest()
    with explained(uri):
        client = client_of(uri)
        _require_model(client, model)
        for version in client.search_model_versions(f"name = '{model}'"):
            if version.tags.get(GENERATOR_TAG) == digest:
                return f"models:/{model}/{version.version}"
        logged = _log_model(client, trained, runs, f"{MODEL_TYPE}-{digest[:8]}")
        made = client.create_model_version(
            model,
            # Not models:/ID, which MLflow would look for in the store of its global settings.
            source=logged.artifact_location,
            run_id=runs[0],
            model_id=logged.model_id,
            tags={GENERATOR_TAG: digest, **_tags(trained)},
            description=_description(trained),
        )
        versions = json.dumps([{"name": model, "version": made.version}])
        client.set_logged_model_tags(logged.model_id, {VERSIONS_TAG: versions})
        if _is_best(client, made, trained):
            client.set_registered_model_alias(model, CHAMPION, made.version)
        return f"models:/{model}/{made.version}"


def _is_best(client: "MlflowClient", made: "ModelVersion", trained: Trained) -> bool:
    """Whether no champion stands against it: one of the same data and way of scoring, with a better score."""
    from mlflow.exceptions import MlflowException

    try:
        champion = client.get_model_version_by_alias(made.name, CHAMPION)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        return True
    conditions = ("advnas.data", *(f"advnas.score.{name}" for name in trained.protocol))
    name = next(iter(trained.scores), None)
    if name is None or f"advnas.{name}" not in champion.tags:
        return True
    if any(champion.tags.get(condition) != made.tags.get(condition) for condition in conditions):
        return True
    score, champions = trained.scores[name], float(champion.tags[f"advnas.{name}"])
    return score <= champions if lower_is_better(name) else score >= champions


def _require_model(client: "MlflowClient", model: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(model, description="Generators found and trained by advnas.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _log_model(client: "MlflowClient", trained: Trained, runs: Sequence[str], name: str) -> "LoggedModel":
    """Make the logged model, with weights, sample grid and genotype, an output of its runs."""
    from mlflow.entities import LoggedModelOutput

    logged = client.create_logged_model(
        client.get_run(runs[0]).info.experiment_id,
        name=name,
        source_run_id=runs[0],
        tags=_tags(trained),
        params={"data": trained.data, "space": trained.genotype.space, **edge_params(trained.genotype)},
        model_type=MODEL_TYPE,
    )
    _save_model(client, trained, logged)
    client.finalize_logged_model(logged.model_id, "READY")
    for run in runs:
        client.log_outputs(run, [LoggedModelOutput(logged.model_id, trained.step)])
    _log_scores(client, trained, runs[0], logged)
    return logged


def _log_scores(client: "MlflowClient", trained: Trained, run_id: str, logged: "LoggedModel") -> None:
    from mlflow.entities import Metric

    values, _ = finite(trained.scores, trained.step)
    time = now()
    scores = [
        Metric(name, value, time, trained.step, model_id=logged.model_id, run_id=run_id)
        for name, value in values.items()
    ]
    client.log_batch(run_id, metrics=scores)


def _save_model(client: "MlflowClient", trained: Trained, logged: "LoggedModel") -> None:
    """Write the model's files to where the store keeps them."""
    import mlflow.pyfunc
    import numpy as np
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    config = load_generator(trained.generator)[0].config
    size, channels = config.image_size, config.image_channels
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype("float32"), (-1, config.latent_dim))]),
        outputs=Schema([TensorSpec(np.dtype("uint8"), (-1, size, size, channels))]),
    )
    with TemporaryDirectory() as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It would rather have an example of a latent than a signature.
        path, genotype = Path(temporary, "model"), Path(temporary, "genotype_generator.json")
        trained.genotype.save(genotype)
        mlflow.pyfunc.save_model(
            path,
            python_model=str(CODE),
            artifacts={
                "generator": str(trained.generator),
                "samples": str(trained.samples),
                "genotype": str(genotype),
            },
            signature=signature,
            code_paths=[str(NETWORKS)],
            pip_requirements=_requirements(),
            mlflow_model=Model(
                artifact_path=logged.artifact_location,
                run_id=logged.source_run_id,
                model_uuid=logged.model_id,
                model_id=logged.model_id,
            ),
        )
        client.log_model_artifacts(logged.model_id, str(path))


def _requirements() -> list[str]:
    """What the model was made with; the build of torch ("+cu130") is the machine's, and in no index."""
    return [f"{name}=={version(name).partition('+')[0]}" for name in NEEDED]


def _tags(trained: Trained) -> dict[str, str]:
    scores = {f"advnas.{name}": f"{value:.6g}" for name, value in trained.scores.items()}
    protocol = {f"advnas.score.{name}": value for name, value in trained.protocol.items()}
    names = {"advnas.run": trained.run, "advnas.data": trained.data}
    return {"advnas.genotype.generator": trained.genotype.content_hash, **names, **scores, **protocol}


def _description(trained: Trained) -> str:
    scores = ", ".join(f"{name} {value:.4g}" for name, value in trained.scores.items())
    conditions = ", ".join(f"{name} {value}" for name, value in trained.protocol.items())
    rows = [list(row) for row in trained.genotype.listed]
    return (
        f"Generator of {trained.data} images, run {trained.run}. {scores}.\n\n"
        f"Scores with {conditions}.\n\nGenotype {trained.genotype.content_hash}, rows `{rows}`."
    )
