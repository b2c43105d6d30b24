"""How MLflow's pages open on the runs of this project.

What is written to the browser and the tag of shared views are not documented:
`tests/contracts/test_private_parts.py` says whether MLflow's pages still know them.
"""

import json

VIEW_TAG = "mlflow.sharedViewState.advnas"
"""MLflow keeps views that people share as tags of the experiment."""
STORAGE_KEY = ("MLflowLocalStorage-1.1-", "ExperimentPage", "ReactComponentState")
"""The browser keeps an experiment's columns under it, with ids of experiments before the last part."""

PARAMS = ("data", "score", "strategy", "space", "seed")
METRICS = ("best", "last", "parameters", "fid", "is_mean", "kid", "fd_digits", "is_digits_mean")
TAGS = ("advnas.stage", "advnas.genotype.generator")
COLUMNS = (
    *(f"params.`{name}`" for name in PARAMS),
    *(f"metrics.`{name}`" for name in METRICS),
    *(f"tags.`{name}`" for name in TAGS),
    "attributes.`Models`",
)
"""In MLflow's notation; those that no run has are not shown."""

KIND_TAG = "mlflow.experimentKind"
EXPERIMENT_TAGS = {
    KIND_TAG: "custom_model_development",
    "mlflow.note.content": "GAN architectures: searches, retrainings, scores.",
    VIEW_TAG: json.dumps({"selectedColumns": COLUMNS}),
}
