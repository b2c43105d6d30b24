"""Small images, extractors and features for tests."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainers.datasets.images import Images
from trainers.metrics.extractors.extractor import Extractor, weights_hash

FEATURES, CLASSES = 6, 4


class Projection(nn.Module):
    """Random linear features and logits of 1 x 4 x 4 images."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(16, FEATURES + CLASSES, generator=generator))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Features and logits."""
        seen = pixels.float().flatten(1) / 255 @ self.weight
        return seen[:, :FEATURES], seen[:, FEATURES:]


def projection(name: str = "projection") -> Extractor:
    """An extractor that costs nothing."""
    network = Projection()
    return Extractor(name, weights_hash(network), "none", FEATURES, CLASSES, network)


def blurs(number: int, detail: int, size: int = 32, channels: int = 3, seed: int = 0) -> Images:
    """Smooth random images; `detail` is the number of blobs along an edge."""
    generator = torch.Generator().manual_seed(seed + 1000 * detail)
    coarse = torch.rand(number, channels, detail, detail, generator=generator)
    return Images.of(F.interpolate(coarse, size=(size, size), mode="bilinear").mul(255).to(torch.uint8))


def random_inception(file: Path) -> None:
    """Save weights of Inception's architecture, seeded and scaled so that features and classes vary with the
    image."""
    from torch_fidelity import feature_extractor_inceptionv3 as fidelity

    class Unloaded(fidelity.FeatureExtractorInceptionV3):
        def load_state_dict(self, *_: object) -> None:
            """Keep the initial weights."""

    fidelity.load_state_dict_from_url, original = (lambda *_, **__: None), fidelity.load_state_dict_from_url
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Unloaded("inception-v3-compat", ["2048"])
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.normal_(network.fc.weight, std=2)
    fidelity.load_state_dict_from_url = original
    torch.save(network.state_dict(), file)
