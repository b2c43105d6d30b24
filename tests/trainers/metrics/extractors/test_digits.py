"""The offline extractor knows its digits."""

from pathlib import Path

import pytest
import torch

from trainers.metrics.config import EvaluationConfig
from trainers.metrics.extractors.digits import cached_weights, digits, held_out, labelled_digits
from trainers.metrics.extractors.extractor import Extractor


@pytest.fixture(scope="module")
def extractor(cache: Path) -> Extractor:
    return digits(EvaluationConfig(extractor="digits", metrics=("fd",)), cache)


def test_digits_it_was_not_trained_on_are_recognised(extractor: Extractor) -> None:
    pixels, labels = labelled_digits()
    unseen = held_out(labels)
    logits = extractor(pixels[unseen])[1]
    assert logits is not None
    assert int(unseen.sum()) == 359
    assert (logits.argmax(1) == labels[unseen]).double().mean() >= 0.97


def test_features_are_as_wide_as_it_says(extractor: Extractor) -> None:
    features, logits = extractor(labelled_digits()[0][:3])
    assert logits is not None
    assert (features.shape, logits.shape) == ((3, extractor.dimension), (3, extractor.classes))


def test_grey_images_repeated_to_colour_are_seen_the_same(extractor: Extractor) -> None:
    grey = labelled_digits()[0][:5]
    torch.testing.assert_close(extractor(grey.repeat(1, 3, 1, 1))[0], extractor(grey)[0])


def test_other_sizes_are_recognised_too(extractor: Extractor) -> None:
    pixels, labels = labelled_digits()
    larger = torch.nn.functional.interpolate(pixels[:300], scale_factor=2, mode="bilinear")
    logits = extractor(larger)[1]
    assert logits is not None
    assert (logits.argmax(1) == labels[:300]).double().mean() >= 0.97


def test_weights_are_trained_once_and_read_back(cache: Path, extractor: Extractor) -> None:
    (file,) = cache.glob("digits-classifier-*.pt")
    written = file.stat().st_mtime_ns
    again = digits(EvaluationConfig(extractor="digits", metrics=("fd",)), cache)
    assert again.weights == extractor.weights
    assert file.stat().st_mtime_ns == written


def test_a_damaged_file_is_not_used(
    cache: Path, extractor: Extractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = cache.glob("digits-classifier-*.pt")
    damaged = tmp_path / file.name
    damaged.write_bytes(file.read_bytes()[:-1] + b"?")
    monkeypatch.setattr("trainers.metrics.extractors.digits.train_classifier", lambda: extractor.network)
    assert cached_weights(tmp_path).keys() == extractor.network.state_dict().keys()
    assert damaged.read_bytes() == file.read_bytes()
