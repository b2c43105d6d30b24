"""What a retraining leaves, from the command line to files and MLflow."""

import json
import re
from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient

from orchestrator.__main__ import main
from orchestrator.artifacts.genotypes import genotypes_to_retrain
from orchestrator.config.errors import ConfigError
from orchestrator.config.experiment import default_tracking_uri, load_experiment
from search_space.networks.generator_file import load_generator
from search_space.zoo.published import PUBLISHED
from tests.orchestrator.trained import EVALUATION, write_config


class Scripted:
    """The second of three evaluations is the best."""

    def __init__(self, *_: object) -> None:
        self.protocol = {"extractor": "digits"}
        self._scores = iter([5.0, 3.0, 4.0])

    def __call__(self, _sample: object, _latent_dim: int) -> dict[str, float]:
        return {"fd_digits": next(self._scores)}


def test_a_retraining_leaves_its_best_generator_as_a_file_and_an_artifact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("orchestrator.jobs.worker.Evaluator", Scripted)
    evaluation = {**EVALUATION, "every": 1}
    config = write_config(
        tmp_path / "config.yaml", tmp_path / "runs", genotype="eagan", evaluation=evaluation
    )
    words = ["retrain", str(config), "--name", "mine", "--json"]
    assert main(words) == 0
    printed = capsys.readouterr()
    assert "retrain: step 2 has the best fd_digits (3); generator and samples are of that step" in printed.err
    result = json.loads(printed.out.splitlines()[-1])
    assert (result["step"], result["generator_step"]) == (3, 2)
    assert result["generator_score"] == {"fd_digits": 3.0}

    file = tmp_path / "runs" / "mine" / "retrain" / "generator.pt"
    assert result["generator"] == str(file)
    generator, genotype = load_generator(file)
    assert genotype == PUBLISHED["eagan"].genotype
    best = file.parent / "checkpoints" / "step-000000002" / "state.pt"
    for name, value in torch.load(best, weights_only=True)["ema_generator"].items():
        assert torch.equal(generator.state_dict()[name], value)

    client = MlflowClient(result["tracking_uri"])
    logged = {artifact.path for artifact in client.list_artifacts(result["run_id"])}
    assert {"generator.pt", "genotype_generator.json"} <= logged
    images = [image.path for image in client.list_artifacts(result["run_id"], "images")]
    grids = {
        step: Path(client.download_artifacts(result["run_id"], path, str(tmp_path))).read_bytes()
        for step in (2, 3)
        for path in images
        if path.endswith(".png") and re.search(rf"step\W{step}\W", path)
    }
    assert Path(result["samples"]).read_bytes() == grids[2] != grids[3]
    copy = Path(client.download_artifacts(result["run_id"], "generator.pt", str(tmp_path)))
    assert copy.read_bytes() == file.read_bytes()
    assert client.get_run(result["run_id"]).data.tags["advnas.generator.step"] == "2"

    client.create_registered_model("best")
    client.create_model_version("best", client.get_run(result["run_id"]).info.artifact_uri, result["run_id"])
    for address in (f"runs:/{result['run_id']}", "models:/best/1"):
        grid = tmp_path / "grid.png"
        assert main(["generate", address, "--root", str(tmp_path / "runs"), "--out", str(grid)]) == 0
        grid.unlink()
        again = load_experiment(str(config), {"retrain.genotype": address})
        assert genotypes_to_retrain(again) == {"generator": genotype}

    capsys.readouterr()
    assert main(words) == 0  # finished: the same is found again
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["generator_step"] == 2


def test_a_refused_start_leaves_the_finished_run_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    config = write_config(tmp_path / "config.yaml", tmp_path / "runs", genotype="eagan")
    words = ["retrain", str(config), "--name", "mine", "--json"]
    assert main(words) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    client = MlflowClient(result["tracking_uri"])
    before = client.get_run(result["run_id"])
    assert main([*words, "--retrain.batch_size", "4"]) == 2
    assert "retrain.batch_size = 4: the run in" in capsys.readouterr().err
    after = client.get_run(result["run_id"])
    assert (after.info.status, after.data.tags) == ("FINISHED", before.data.tags)


@pytest.mark.parametrize("seed", ["-1", "1.5", "x"])
def test_a_seed_that_is_none_is_a_mistake(seed: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["generate", "mine", "--out", "x.npz", f"--seed={seed}"]) == 2
    assert "is not a whole number from 0 on" in capsys.readouterr().err


def test_without_scores_it_leaves_the_newest(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    config = write_config(tmp_path / "config.yaml", tmp_path / "runs", genotype="eagan")
    assert main(["retrain", str(config), "--name", "mine", "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["generator_step"], result["generator_score"]) == (3, {})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs whose MLflow has one run, which has left nothing."""
    root = tmp_path_factory.mktemp("runs")
    run = MlflowClient(default_tracking_uri(root)).create_run("0")
    (root / "run_id").write_text(run.info.run_id)
    return root


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("runs:/f00d", "there is no such run or model in sqlite:///"),
        ("models:/best/1", "there is no such run or model in sqlite:///"),
        ("models:/best", "name a version or an alias of a model that a run has made"),
        ("runs:/RUN", "the run keeps no generator.pt"),
    ],
)
def test_an_address_of_mlflow_that_leads_nowhere_is_one_line(
    address: str, part: str, store: Path, capsys: pytest.CaptureFixture
) -> None:
    address = address.replace("RUN", (store / "run_id").read_text())
    assert main(["generate", address, "--root", str(store), "--out", str(store / "x.png")]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"advnas: {address}: {part}")
    assert message.count("\n") == 1


def test_a_retraining_takes_what_the_run_of_its_name_has_searched(tmp_path: Path) -> None:
    config = write_config(tmp_path / "config.yaml", tmp_path / "runs", genotype=None)
    names = {"generator": "eagan", "discriminator": "eagan_cifar10"}
    genotypes = {network: PUBLISHED[name].genotype for network, name in names.items()}
    searched = tmp_path / "runs" / "mine" / "search"
    searched.mkdir(parents=True)
    for network, genotype in genotypes.items():
        genotype.save(searched / f"genotype_{network}.json")
    assert genotypes_to_retrain(load_experiment(str(config), {"name": "mine"})) == genotypes
    for name in ("other", "null"):
        with pytest.raises(ConfigError, match=r"retrain\.genotype = null: name one"):
            genotypes_to_retrain(load_experiment(str(config), {"name": name}))
