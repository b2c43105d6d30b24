"""The feature extractors, one line each.

n images, c channels, d features.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from search_space.errors import one_line
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.errors import WeightsError
from trainers.metrics.extractors.digits import digits
from trainers.metrics.extractors.efficientnet import efficientnet_lite0
from trainers.metrics.extractors.extractor import Extractor, weights_hash
from trainers.metrics.extractors.inception import inception
from trainers.metrics.extractors.network_file import network_file


class FidelityFeatures(nn.Module):
    """An extractor of torch-fidelity's that has features and no classes."""

    def __init__(self, name: str) -> None:
        from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

        super().__init__()
        kind = FEATURE_EXTRACTORS_REGISTRY[name]
        self.graph = kind(name, [kind.get_default_feature_layer_for_metric("fid")])

    def forward(self, pixels: UInt8[Tensor, "n c h w"]) -> tuple[Float[Tensor, "n d"], None]:
        """Features of colour images; grey ones are repeated."""
        return self.graph(pixels.expand(-1, 3, -1, -1))[0], None


def fidelity(name: str, dimension: int, resize: str) -> Callable[[EvaluationConfig, Path], Extractor]:
    """torch-fidelity's extractor of that name, weights from where it fetches them."""

    def make(config: EvaluationConfig, _cache: Path) -> Extractor:
        try:
            network = FidelityFeatures(name)
        except (OSError, RuntimeError) as error:  # the second is torch.hub's where there is no connection
            raise WeightsError(
                f"retrain.evaluation.extractor: {config.extractor} cannot be fetched: {one_line(error)}"
            ) from error
        return Extractor(config.extractor, weights_hash(network), resize, dimension, 0, network)

    return make


EXTRACTORS: Mapping[str, Callable[[EvaluationConfig, Path], Extractor]] = {
    "inception": inception,
    "digits": digits,
    "dinov2": fidelity("dinov2-vit-l-14", dimension=1024, resize="tensorflow1-bilinear-224"),
    "efficientnet_lite0": efficientnet_lite0,
}
"""Name -> how to make it from the configuration and the cache folder."""


def make_extractor(config: EvaluationConfig, cache: Path, device: torch.device) -> Extractor:
    """The configured extractor, ready on the device."""
    extractor = EXTRACTORS.get(config.extractor, network_file)(config, cache)
    extractor.network.to(device)
    if device.type == "cpu":  # a third faster there, and the same numbers
        extractor.network.to(memory_format=torch.channels_last)
    return extractor
