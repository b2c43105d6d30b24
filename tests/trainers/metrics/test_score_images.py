"""Images that are there already are scored like samples."""

from pathlib import Path

import pytest
import torch

from tests.trainers.metrics.stand_ins import blurs, projection
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.errors import ScoreError, WeightsError
from trainers.metrics.extractors.registry import EXTRACTORS
from trainers.metrics.moments import Statistics, frechet_distance
from trainers.metrics.score_images import Check, Known, check_cifar10, score_images, write_statistics

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _small_extractor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRACTORS, "digits", lambda *_: projection())


def configured(*metrics: str, **options: object) -> EvaluationConfig:
    return EvaluationConfig(extractor="digits", metrics=metrics, **options)


A, B = blurs(40, detail=2, size=4, channels=1), blurs(30, detail=4, size=4, channels=1)


def gaussian(images: torch.Tensor) -> Statistics:
    features = projection()(images)[0].double()
    return Statistics(features.mean(0), features.T.cov())


def test_all_images_of_both_sets_count(tmp_path: Path) -> None:
    found = score_images(A, B, configured("fd"), tmp_path, CPU)
    expected = frechet_distance(gaussian(A.pixels), gaussian(B.pixels)).item()
    assert found.values["fd_projection"] == pytest.approx(expected, rel=1e-6)
    assert (found.protocol["samples"], found.protocol["reference"]) == ("40", B.content_hash)
    assert found.protocol["source"] == f"images {A.content_hash}"


def test_a_set_has_no_distance_to_itself(tmp_path: Path) -> None:
    values = score_images(A, A, configured("fd", "precision_recall"), tmp_path, CPU).values
    assert values["fd_projection"] == pytest.approx(0, abs=1e-6)
    assert (values["precision_projection"], values["recall_projection"]) == (1, 1)


def test_exported_statistics_stand_for_the_images(tmp_path: Path) -> None:
    file = tmp_path / "b.npz"
    write_statistics(file, B, configured("fd"), tmp_path / "one", CPU)
    from_file = score_images(A, None, configured("fd", statistics=file), tmp_path / "two", CPU)
    from_images = score_images(A, B, configured("fd"), tmp_path / "one", CPU)
    assert from_file.values == pytest.approx(from_images.values)
    assert from_file.protocol == from_images.protocol


def test_the_inception_score_needs_no_real_images(tmp_path: Path) -> None:
    found = score_images(A, None, configured("is"), tmp_path, CPU)
    assert 1 <= found.values["is_projection_mean"] <= 4
    assert found.protocol["reference"] == "none"


def test_images_of_other_sizes_do_not_compare(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match=r"\[1, 4, 4\], those to compare with \[3, 32, 32\]"):
        score_images(A, blurs(30, detail=4), configured("fd"), tmp_path, CPU)


def test_too_few_images_are_counted(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match=r"1000 images of each kind .* got 40 generated and 30 real"):
        score_images(A, B, configured("kd"), tmp_path, CPU)


def test_an_extractor_without_classes_gives_no_inception_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    monkeypatch.setitem(EXTRACTORS, "digits", lambda *_: replace(projection(), classes=0))
    with pytest.raises(ScoreError, match="projection has no classes"):
        score_images(A, None, configured("is"), tmp_path, CPU)


def test_the_self_check_compares_with_known_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setitem(EXTRACTORS, "inception", lambda *_: replace(projection(), name="inception"))
    checks = check_cifar10(A, B, EvaluationConfig(), tmp_path, CPU)
    assert [(check.name, check.known) for check in checks] == [
        ("fid", Known(3.15, 0.02)),
        ("is_mean", Known(11.24, 0.02)),
    ]
    assert checks[0].found == pytest.approx(
        frechet_distance(gaussian(A.pixels), gaussian(B.pixels)).item(), rel=1e-6
    )
    assert Check("fid", 3.16, Known(3.15, 0.02)).passed
    assert not Check("fid", 3.2, Known(3.15, 0.02)).passed


def test_the_self_check_takes_the_weights_that_are_configured(tmp_path: Path) -> None:
    configuration = EvaluationConfig(weights=tmp_path / "elsewhere.pth")
    with pytest.raises(WeightsError, match=r"no file .*elsewhere\.pth"):
        check_cifar10(A, B, configuration, tmp_path, CPU)
