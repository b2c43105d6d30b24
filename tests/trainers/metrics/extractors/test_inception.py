"""Weights are what they should be, or the user is told what to do."""

import hashlib
from pathlib import Path
from urllib.error import URLError

import pytest
import torch

from trainers.metrics.config import EvaluationConfig
from trainers.metrics.errors import WeightsError
from trainers.metrics.extractors.extractor import Extractor
from trainers.metrics.extractors.inception import inception


def checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def configured(file: Path | None, sha256: str) -> EvaluationConfig:
    return EvaluationConfig(weights=file, weights_sha256=sha256, metrics=("fd", "is"))


@pytest.fixture(scope="module")
def extractor(inception_file: Path) -> Extractor:
    return inception(configured(inception_file, checksum(inception_file)), Path())


def test_folded_layers_compute_what_torch_fidelitys_do(inception_file: Path, extractor: Extractor) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    original = FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048", "logits_unbiased"], str(inception_file)
    )
    pixels = torch.randint(
        0, 256, (2, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )
    for ours, theirs in zip(extractor(pixels), original(pixels), strict=True):
        assert ours is not None
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5 * theirs.abs().max().item())


def test_grey_images_are_seen_as_colour(extractor: Extractor) -> None:
    grey = torch.randint(
        0, 256, (1, 1, 16, 16), generator=torch.Generator().manual_seed(1), dtype=torch.uint8
    )
    assert torch.equal(extractor(grey)[0], extractor(grey.repeat(1, 3, 1, 1))[0])


def test_other_weights_have_another_name(inception_file: Path, extractor: Extractor) -> None:
    assert extractor.name == f"inception_{checksum(inception_file)[:8]}"


def test_the_published_checksum_makes_the_published_name(
    inception_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With this file in the place of the published one, which is not always within reach."""
    prefix = checksum(inception_file)[:8]
    monkeypatch.setattr("trainers.metrics.config.PUBLISHED_INCEPTION", prefix)
    assert inception(configured(inception_file, checksum(inception_file)), Path()).name == "inception"


def test_a_wrong_file_is_refused_with_both_checksums(inception_file: Path) -> None:
    with pytest.raises(WeightsError, match=rf"sha256 {checksum(inception_file)[:16]}.*expected 6726825d"):
        inception(EvaluationConfig(weights=inception_file), Path())


def test_a_missing_file_is_named_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match=r"no file .*absent\.pth; name a copy of weights-inception-2015-12-05"
    ):
        inception(EvaluationConfig(weights=tmp_path / "absent.pth"), Path())


def test_the_environment_variable_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVNAS_INCEPTION_WEIGHTS", str(tmp_path / "absent.pth"))
    with pytest.raises(WeightsError, match=r"no file .*absent\.pth"):
        inception(EvaluationConfig(), Path())


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No connection, and an empty folder where torch keeps downloads."""

    def refuse(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.delenv("ADVNAS_INCEPTION_WEIGHTS", raising=False)
    monkeypatch.setattr("trainers.metrics.extractors.inception.urlopen", refuse)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    return tmp_path / "checkpoints"


def test_unreachable_weights_are_named_with_checksum_and_place(offline: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        inception(EvaluationConfig(), Path())
    message = str(caught.value)
    for part in (
        "no route to host",
        "weights-inception-2015-12-05-6726825d.pth",
        "sha256 6726825d",
        str(offline),
    ):
        assert part in message
    assert "\n" not in message
    assert not offline.exists()


def test_torch_fidelitys_download_is_used_where_it_is(offline: Path, inception_file: Path) -> None:
    offline.mkdir()
    (offline / "weights-inception-2015-12-05-6726825d.pth").write_bytes(inception_file.read_bytes())
    assert inception(configured(None, checksum(inception_file)), Path()).name.startswith("inception_")


def test_a_file_of_other_tensors_or_other_objects_is_refused(tmp_path: Path) -> None:
    for name, content in (("tensors", {"weight": torch.zeros(2)}), ("objects", {"path": tmp_path})):
        file = tmp_path / name
        torch.save(content, file)
        with pytest.raises(WeightsError, match=f"{name} holds no Inception"):
            inception(configured(file, checksum(file)), Path())
