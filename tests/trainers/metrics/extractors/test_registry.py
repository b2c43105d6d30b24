"""What holds for every extractor, and for those that are fetched."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.trainers.metrics.extractors.test_inception import checksum
from tests.trainers.metrics.stand_ins import projection
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.errors import ScoreError, WeightsError
from trainers.metrics.extractors.extractor import weights_hash
from trainers.metrics.extractors.registry import EXTRACTORS, make_extractor

OFFLINE = ("inception", "digits", "efficientnet_lite0")


@pytest.mark.parametrize("name", OFFLINE)
@pytest.mark.parametrize("channels", [1, 3])
def test_features_have_the_width_it_says(name: str, channels: int, cache: Path, inception_file: Path) -> None:
    config = EvaluationConfig(
        extractor=name, metrics=("fd",), weights=inception_file, weights_sha256=checksum(inception_file)
    )
    extractor = make_extractor(config, cache, torch.device("cpu"))
    features, logits = extractor(torch.zeros(2, channels, 16, 16, dtype=torch.uint8))
    assert logits is not None
    assert features.shape == (2, extractor.dimension)
    assert logits.shape == (2, extractor.classes)
    assert not features.requires_grad
    assert extractor.name.startswith(name)


def test_an_extractor_that_cannot_be_fetched_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> Callable[..., None]:
        raise RuntimeError("no internet connection")

    monkeypatch.setattr("torch.hub.load", refuse)
    config = EvaluationConfig(extractor="dinov2", metrics=("fd",))
    with pytest.raises(WeightsError, match=r"evaluation.extractor: dinov2 cannot be fetched: no internet"):
        EXTRACTORS["dinov2"](config, Path())


def test_an_extractor_of_torch_fidelitys_needs_its_line_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """DINOv2's own network is 1.2 GB: a stand-in of its width takes its place."""

    class Mean(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            """As wide as ViT-L/14."""
            return images.mean((2, 3)).repeat(1, 342)[:, :1024]

    monkeypatch.setattr("torch.hub.load", lambda *_: Mean())
    extractor = EXTRACTORS["dinov2"](EvaluationConfig(extractor="dinov2", metrics=("fd",)), Path())
    features, logits = extractor(torch.zeros(2, 1, 32, 32, dtype=torch.uint8))
    assert (features.shape, logits) == ((2, 1024), None)
    assert extractor.classes == 0


def test_images_of_two_channels_are_refused() -> None:
    with pytest.raises(ScoreError, match="2 channels"):
        projection()(torch.zeros(1, 2, 4, 4, dtype=torch.uint8))


def test_weights_are_told_apart_by_their_values() -> None:
    first, second = projection().network, projection().network
    assert weights_hash(first) == weights_hash(second)
    with torch.no_grad():
        next(second.parameters())[0, 0] += 1
    assert weights_hash(first) != weights_hash(second)
