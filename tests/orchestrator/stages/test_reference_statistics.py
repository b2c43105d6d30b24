"""The self-check, with stand-ins for images that are not here."""

import pytest
import torch

from orchestrator.__main__ import main
from trainers.datasets.images import Images
from trainers.metrics.score_images import CIFAR10, Check


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Scores that the check finds; tests may change them."""
    scores = {"fid": 3.151, "is_mean": 11.235}
    images = Images.of(torch.zeros(2, 3, 32, 32, dtype=torch.uint8))
    splits = []

    def load(config, _cache):
        splits.append(config.split)
        return images

    def check(*_):
        assert splits == ["train", "test"]
        return [Check(name, scores[name], known) for name, known in CIFAR10.items()]

    monkeypatch.setattr("orchestrator.stages.reference_statistics.load_images", load)
    monkeypatch.setattr("orchestrator.stages.reference_statistics.check_cifar10", check)
    return scores


@pytest.mark.usefixtures("found")
def test_known_scores_are_passed(capsys: pytest.CaptureFixture) -> None:
    assert main(["evaluate", "selfcheck", "cifar10"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == ["fid: 3.1510, known 3.15 +- 0.02", "is_mean: 11.2350, known 11.24 +- 0.02"]
    assert lines[-1] == "passed: True"


def test_other_scores_are_named(found: dict[str, float], capsys: pytest.CaptureFixture) -> None:
    found["fid"] = 3.18
    assert main(["evaluate", "selfcheck", "cifar10"]) == 2
    assert capsys.readouterr().err.startswith("advnas: self-check: fid not as known: ")


def test_other_data_has_no_known_scores(capsys: pytest.CaptureFixture) -> None:
    assert main(["evaluate", "selfcheck", "digits"]) == 2
    assert capsys.readouterr().err.startswith("advnas: data.name = digits: known scores are CIFAR-10's")


def test_absent_images_are_named_with_their_place(tmp_path, capsys: pytest.CaptureFixture) -> None:
    assert main(["evaluate", "selfcheck", "cifar10", "--data.root", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
