"""The ImageNet network that comes with a package computes what its published definition computes."""

from importlib.resources import files
from pathlib import Path

import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from sklearn.datasets import load_sample_images

from tests.trainers.metrics.stand_ins import blurs
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.errors import WeightsError
from trainers.metrics.extractors import efficientnet
from trainers.metrics.extractors.registry import make_extractor
from trainers.metrics.score_images import score_images

CONFIG = EvaluationConfig(extractor="efficientnet_lite0", metrics=("fd",), samples=2)


def published() -> EfficientNet:
    """The module of the authors of the weights' package."""
    network = EfficientNet.from_name("efficientnet-lite0").eval()
    file = files(efficientnet.PACKAGE).joinpath(efficientnet.WEIGHTS)
    network.load_state_dict(torch.load(str(file), weights_only=True))
    return network


def test_logits_and_features_are_those_of_the_published_module():
    pixels = torch.randint(0, 256, (3, 3, 224, 224), dtype=torch.uint8)
    theirs, ours = published().double(), efficientnet.loaded().double()
    normalised = (pixels.double() - 127) / 128
    with torch.no_grad():
        features = ours.maps(normalised).mean(dim=(2, 3))
        torch.testing.assert_close(
            features, theirs.extract_features(normalised).mean(dim=(2, 3)), rtol=0, atol=1e-9
        )
        torch.testing.assert_close(ours.classes(features), theirs(normalised), rtol=0, atol=1e-9)


def test_scores_look_at_the_last_maps_of_14x14_pixels():
    pixels = torch.randint(0, 256, (2, 3, 224, 224), dtype=torch.uint8)
    theirs = published()
    with torch.no_grad():
        maps = [theirs._swish(theirs._bn0(theirs._conv_stem((pixels.float() - 127) / 128)))]
        for block in theirs._blocks:
            maps.append(block(maps[-1]))
        last = [each for each in maps if each.shape[2:] == (14, 14)][-1]
        features, logits = efficientnet.loaded()(pixels)
        torch.testing.assert_close(features, last.mean(dim=(2, 3)), rtol=0, atol=1e-4)
        torch.testing.assert_close(logits, theirs((pixels.float() - 127) / 128), rtol=0, atol=1e-3)


def test_without_its_batch_norms_it_is_the_same_function():
    pixels = blurs(4, detail=5).pixels
    with torch.no_grad():
        plain, fused = efficientnet.loaded()(pixels), efficientnet.loaded().fused()(pixels)
    for one, other in zip(plain, fused, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_it_recognises_a_photo():
    flower = torch.from_numpy(load_sample_images().images[1].copy()).permute(2, 0, 1)
    _, logits = make_extractor(CONFIG, Path(), torch.device("cpu"))(flower[None, :, :, 100:527])
    assert logits is not None
    assert logits.argmax() == 985  # ImageNet's daisy, the nearest class to the dahlia of the photo


def test_grey_images_are_seen_as_colour_images_of_equal_channels():
    grey = blurs(2, detail=4, channels=1).pixels
    extractor = make_extractor(CONFIG, Path(), torch.device("cpu"))
    torch.testing.assert_close(extractor(grey)[0], extractor(grey.repeat(1, 3, 1, 1))[0])


def test_scores_carry_its_name_and_grow_with_the_difference(tmp_path):
    config = CONFIG.model_copy(
        update={"metrics": ("fd", "kd", "is", "precision_recall"), "samples": 12, "kd_subset_size": 8}
    )
    real, near, far = blurs(12, detail=6), blurs(12, detail=6, seed=1), blurs(12, detail=2)
    cpu = torch.device("cpu")
    close = score_images(near, real, config, tmp_path, cpu).values
    distant = score_images(far, real, config, tmp_path, cpu).values
    assert set(close) == {
        "fd_efficientnet_lite0",
        "kd_efficientnet_lite0",
        "kd_efficientnet_lite0_std",
        "is_efficientnet_lite0_mean",
        "is_efficientnet_lite0_std",
        "precision_efficientnet_lite0",
        "recall_efficientnet_lite0",
    }
    assert close["fd_efficientnet_lite0"] < distant["fd_efficientnet_lite0"]
    assert close["kd_efficientnet_lite0"] < distant["kd_efficientnet_lite0"]


def test_a_missing_package_is_named_with_the_cure(monkeypatch):
    monkeypatch.setattr(efficientnet, "PACKAGE", "package_that_nobody_installs")
    with pytest.raises(WeightsError, match=r"package-that-nobody-installs is not installed; run"):
        efficientnet.loaded()


def test_another_file_in_its_place_is_refused(monkeypatch):
    monkeypatch.setattr(efficientnet, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(WeightsError, match="is not the published file; install the package again"):
        efficientnet.loaded()
