"""How MLflow's pages open on the runs of this project."""

import json

VIEW = "advnas"
"""How MLflow's list of runs opens: with scores, size, seed and architecture beside each name.

MLflow keeps views that people share as tags of the experiment; `?viewStateShareKey=` opens one of them.
Neither is documented: `tests/contracts/test_private_parts.py` says whether its pages still know them.
"""
VIEW_TAG = f"mlflow.sharedViewState.{VIEW}"
VIEW_OPTION = "viewStateShareKey"
"""Of the address of a page."""

METRICS = ("fid", "is_mean", "kid_mean", "fd_digits", "is_digits_mean", "parameters", "entropy_alpha")
TAGS = ("advnas.stage", "advnas.genotype.generator")
COLUMNS = (
    *(f"metrics.`{name}`" for name in METRICS),
    "params.`seed`",
    *(f"tags.`{name}`" for name in TAGS),
)
"""In MLflow's notation; those that no run has are not shown."""

EXPERIMENT_TAGS = {
    "mlflow.note.content": "GAN architectures searched with AdversarialNAS, retrained and scored.",
    VIEW_TAG: json.dumps({"selectedColumns": COLUMNS}),
}
