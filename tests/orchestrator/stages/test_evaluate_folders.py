"""Two folders are scored without a configuration: by Inception if its weights are there, else by the network
that is installed."""

import json
from pathlib import Path

import pytest

from orchestrator.__main__ import main
from tests.trainers.datasets.sources import encoded, noise
from trainers.metrics.extractors import inception


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of five images each."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(inception.VARIABLE, raising=False)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    for seed, name in enumerate(("mine", "other")):
        (tmp_path / name).mkdir()
        for number in range(5):
            file = tmp_path / name / f"{number}.png"
            file.write_bytes(encoded(noise(16, 16, seed=10 * seed + number)))
    return tmp_path


@pytest.mark.usefixtures("folders")
def test_without_inceptions_weights_the_installed_network_sees_the_folders(capsys):
    words = ["evaluate", "--of", "mine", "--against", "other", "--retrain.evaluation.kd_subset_size", "4"]
    assert main([*words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(result["metrics"]) == {
        "fd_efficientnet_lite0",
        "kd_efficientnet_lite0",
        "kd_efficientnet_lite0_std",
        "precision_efficientnet_lite0",
        "recall_efficientnet_lite0",
    }
    assert result["fingerprint"]["samples"] == "5"


def configured(capsys: pytest.CaptureFixture, *words: str) -> dict:
    assert main(["evaluate", "--of", "mine", *words, "--dry-run", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_folders_decide_the_channels_and_inception_is_taken_where_it_is(folders, capsys):
    plain = configured(capsys)
    assert plain["data"]["channels"] == 1
    assert plain["retrain"]["evaluation"]["extractor"] == "efficientnet_lite0"
    weights = folders / "hub" / "checkpoints" / inception.FILE_NAME
    weights.parent.mkdir(parents=True)
    weights.touch()
    assert configured(capsys)["retrain"]["evaluation"]["extractor"] == "inception"
    chosen = configured(capsys, "--retrain.evaluation.extractor", "efficientnet_lite0")
    assert chosen["retrain"]["evaluation"]["extractor"] == "efficientnet_lite0"
