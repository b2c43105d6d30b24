"""A generator as MLflow serves it. MLflow runs this file when the model is loaded; nothing is unpickled.

Shapes: N images, Z latent size, S image size, C channels.
"""

from pathlib import Path

import mlflow
import numpy as np
import torch
from mlflow.pyfunc import PythonModel, PythonModelContext

from search_space.generator_file import load_generator
from search_space.pixels import to_uint8


class GeneratorModel(PythonModel):
    """From standard normal latents [N, Z] to uint8 images [N, S, S, C]."""

    def load_context(self, context: PythonModelContext) -> None:
        """Take the weights out of the model's own copy of generator.pt."""
        self._network, _ = load_generator(Path(context.artifacts["generator"]))

    # Without annotations: MLflow would take them for a schema of its own.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ARG002
        """Images of latents."""
        latents = torch.from_numpy(np.asarray(model_input, dtype=np.float32))
        with torch.no_grad():
            return to_uint8(self._network(latents)).permute(0, 2, 3, 1).numpy()


mlflow.models.set_model(GeneratorModel())
