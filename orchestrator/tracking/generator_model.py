"""A generator as MLflow serves it. MLflow runs this file when the model is loaded; nothing is unpickled.

Shapes: N images, Z latent size, S image size, C channels.
"""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import torch
from mlflow.pyfunc import PythonModel, PythonModelContext


class GeneratorModel(PythonModel):
    """From standard normal latents [N, Z] to uint8 images [N, S, S, C]."""

    def load_context(self, context: PythonModelContext) -> None:
        """Take the weights out of the model's own copy of generator.pt."""
        # Imported here, since saving a model runs this file in the user's folder: it may have another
        # search_space.
        from search_space.networks.generator_file import load_generator

        self._network, _ = load_generator(Path(context.artifacts["generator"]))

    # An annotation that MLflow can make no schema of: the model has a signature, which says more.
    def predict(
        self,
        context: PythonModelContext | None,  # noqa: ARG002
        model_input: np.ndarray,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        """Images of latents."""
        from search_space.networks.generator import to_uint8

        latents = torch.from_numpy(np.asarray(model_input, dtype=np.float32))
        with torch.no_grad():
            return to_uint8(self._network(latents)).permute(0, 2, 3, 1).numpy()


mlflow.models.set_model(GeneratorModel())
