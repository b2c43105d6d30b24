"""Registering a generator as a version of a model. The same generator becomes one version only."""

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import search_space
from orchestrator.tracking.store import explained
from search_space.genotype import Genotype
from search_space.networks.generator_file import load_generator

if TYPE_CHECKING:
    from mlflow import MlflowClient

CODE = Path(__file__).with_name("generator_model.py")
NETWORKS = Path(search_space.__file__).parent
"""Goes into the model, so that who loads it needs no package of this project's name from an index."""
NEEDED = ("jaxtyping", "numpy", "pydantic", "torch")
"""By `NETWORKS`; MLflow adds itself."""

GENERATOR_TAG = "advnas.generator.sha256"


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


def register(trained: Trained, model: str, run_id: str, uri: str) -> str:
    """The address models:/NAME/VERSION of the generator, made if the model has no version of it yet.

    Raises:
        TrackingError: the store does not answer, or refuses.
    """
    digest = hashlib.sha256(trained.generator.read_bytes()).hexdigest()
    with explained(uri):
        from mlflow import MlflowClient

        client = MlflowClient(uri)
        _require_model(client, model)
        for version in client.search_model_versions(f"name = '{model}'"):
            if version.tags.get(GENERATOR_TAG) == digest:
                return f"models:/{model}/{version.version}"
        # A folder of its own: the same run may register another generator later.
        folder = f"model-{digest[:8]}"
        _log_model(client, trained, run_id, folder)
        made = client.create_model_version(
            model,
            source=f"runs:/{run_id}/{folder}",
            run_id=run_id,
            tags={GENERATOR_TAG: digest, **_tags(trained)},
            description=_description(trained),
        )
        return f"models:/{model}/{made.version}"


def _require_model(client: "MlflowClient", model: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(model, description="Generators found and trained by advnas.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _log_model(client: "MlflowClient", trained: Trained, run_id: str, folder: str) -> None:
    """Put the model among the artifacts of the run, with weights, sample grid and genotype."""
    import mlflow.pyfunc
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    config = load_generator(trained.generator)[0].config
    size, channels = config.image_size, config.image_channels
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype("float32"), (-1, config.latent_dim))]),
        outputs=Schema([TensorSpec(np.dtype("uint8"), (-1, size, size, channels))]),
    )
    with TemporaryDirectory() as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It would rather have an example of a latent than a signature.
        path, genotype = Path(temporary, folder), Path(temporary, "genotype_generator.json")
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
        )
        client.log_artifacts(run_id, str(path), folder)


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
