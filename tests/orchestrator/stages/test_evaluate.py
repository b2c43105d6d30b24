"""`advnas evaluate`: whatever is scored, against whatever, by one command that says what it did."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mlflow import MlflowClient
from PIL import Image

from orchestrator.__main__ import main
from search_space.networks.config import GeneratorConfig
from search_space.networks.generator import Generator
from search_space.networks.generator_file import save_generator
from tests.orchestrator.trained import (
    CONFIG,
    GENOTYPE,
    save_released,
    save_trained,
    trained,
    write_config,
)

Score = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a configuration, a run `mine`, a released checkpoint, and 40 of its images."""
    place = tmp_path_factory.mktemp("place")
    write_config(place / "config.yaml", place / "runs")
    save_trained(place / "runs" / "mine" / "retrain" / "generator.pt")
    save_released(place / "best.pth")
    words = ["generate", "mine", "--root", str(place / "runs"), "--out", str(place / "images")]
    assert main([*words, "--count", "40"]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield place


@pytest.fixture
def score(place: Path, capsys: pytest.CaptureFixture) -> Score:  # noqa: ARG001
    def run(*words: str) -> dict[str, Any]:
        assert main(["evaluate", *words[:1], *words[1:], "--json"]) == 0
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


def test_a_run_its_file_and_its_released_twin_score_the_same(score: Score) -> None:
    by_name = score("config.yaml", "--of", "mine")
    by_file = score("config.yaml", "--of", "runs/mine/retrain/generator.pt")
    released = score("config.yaml", "--of", "best.pth", "--genotype", "eagan")
    assert by_name["metrics"] == by_file["metrics"] == released["metrics"]
    assert set(by_name["metrics"]) == {"fd_digits", "is_digits_mean", "is_digits_std"}
    assert by_name["fingerprint"] == by_file["fingerprint"] == released["fingerprint"]
    assert by_name["fingerprint"]["samples"] == "32"
    assert by_name["protocol"] == "custom"


def test_a_checkpoint_without_the_moving_average_says_so(score: Score, place: Path) -> None:
    content = torch.load(place / "best.pth", weights_only=True)
    torch.save({"gen_state_dict": content["avg_gen_state_dict"]}, place / "raw.pth")
    torch.save(content["avg_gen_state_dict"], place / "bare.pth")
    for file, source in (("raw.pth", "raw"), ("bare.pth", "unlabelled"), ("best.pth", "ema")):
        found = score("config.yaml", "--of", file, "--genotype", "eagan")
        assert found["fingerprint"]["source"] == f"{source} generator, seed 0"


def test_the_run_of_that_name_is_scored_unless_something_else_is(score: Score) -> None:
    assert score("config.yaml", "--name", "mine")["of"] == "mine"
    other = score("config.yaml", "--name", "mine", "--of", "images")
    assert other["of"] == "images"
    assert other["name"].startswith("mine/")


def test_a_score_is_recorded_with_its_protocol_in_a_folder_and_an_mlflow_run(
    score: Score, place: Path
) -> None:
    result = score("config.yaml", "--of", "mine")
    assert json.loads((place / "runs" / result["name"] / "evaluate" / "result.json").read_text()) == result
    run = MlflowClient(result["tracking_uri"]).get_run(result["run_id"])
    assert run.info.status == "FINISHED"
    assert {name: run.data.metrics[name] for name in result["metrics"]} == result["metrics"]
    tags = {name: run.data.tags[f"advnas.score.{name}"] for name in result["fingerprint"]}
    assert tags == result["fingerprint"]


def test_scores_that_mean_something_else_are_other_runs(score: Score) -> None:
    runs = [
        score("config.yaml", "--of", "mine"),
        score("config.yaml", "--of", "mine", "--retrain.evaluation.samples", "40"),
        score("config.yaml", "--of", "mine", "--against", "images"),
    ]
    assert len({run["run_id"] for run in runs}) == 3
    assert score("config.yaml", "--of", "mine")["run_id"] == runs[0]["run_id"]


def test_images_against_themselves_have_distance_zero(score: Score, place: Path) -> None:
    shutil.copytree(place / "images", place / "copies", dirs_exist_ok=True)
    result = score("config.yaml", "--of", "images", "--against", "copies")
    assert result["metrics"]["fd_digits"] == pytest.approx(0, abs=1e-6)
    assert result["fingerprint"]["samples"] == "40"


def test_a_generator_may_be_what_images_are_compared_with(score: Score) -> None:
    """Both sides are the same generator's images, so they are nearer than the digits are."""
    near = score("config.yaml", "--of", "images", "--against", "mine")
    far = score("config.yaml", "--of", "images")
    assert near["metrics"]["fd_digits"] < far["metrics"]["fd_digits"] / 10


def test_exported_statistics_stand_for_the_images(score: Score, place: Path) -> None:
    exported = score("stats", "config.yaml", "--out", "digits.npz")
    with np.load(place / "digits.npz") as arrays:
        assert (arrays["mu"].shape, arrays["sigma"].shape) == ((64,), (64, 64))
    assert exported["images"] == 1797
    plain = score("config.yaml", "--of", "mine")
    for words in (
        ["--against", "digits.npz"],
        ["--retrain.evaluation.statistics", "digits.npz"],
    ):
        found = score("config.yaml", "--of", "mine", *words)
        assert found["metrics"] == pytest.approx(plain["metrics"])
        assert found["fingerprint"] == plain["fingerprint"]


def test_statistics_go_to_the_folder_of_runs_unless_told_otherwise(score: Score, place: Path) -> None:
    file = Path(score("stats", "config.yaml")["statistics"])
    assert file.parent == place / "runs"
    assert file.is_file()


def write_pictures(folder: Path, size: int, count: int = 20) -> None:
    folder.mkdir()
    for number in range(count):
        pixels = np.full((size, size), number, np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


def diverged() -> dict[str, torch.Tensor]:
    return {name: value * float("nan") for name, value in trained().state_dict().items()}


@pytest.fixture(scope="module")
def bad(place: Path) -> Path:
    """Sources that cannot be scored."""
    write_pictures(place / "large", size=24)
    write_pictures(place / "five", size=16, count=5)
    write_pictures(place / "mixed", size=16)
    Image.new("L", (24, 24)).save(place / "mixed" / "z.png")
    (place / "empty").mkdir()
    save_generator(place / "diverged.pt", CONFIG, GENOTYPE, diverged())
    wide = GeneratorConfig(channels=4, bottom_width=3, image_channels=1)
    save_generator(place / "wide.pt", wide, GENOTYPE, Generator(wide, GENOTYPE).state_dict())
    (place / "weights.pth").write_bytes(b"weights of something")
    mu, sigma = np.zeros(64), np.eye(64)
    np.savez(place / "others.npz", mu=mu, sigma=sigma)
    origin = {"extractor": "inception", "weights": "6726825d", "resize": "none", "images": "f00d"}
    np.savez(place / "inceptions.npz", mu=mu, sigma=sigma, **origin)
    np.savez(place / "narrow.npz", mu=mu[:9], sigma=sigma[:9, :9])
    np.savez(place / "nan.npz", mu=mu * np.nan, sigma=sigma)
    return place


EVALUATION = "--retrain.evaluation"
MISTAKES = [
    ("", "--of: say what to score: a run, a generator.pt, a .pth checkpoint or a folder"),
    ("--of nobody", "nobody: neither a run in"),
    ("--of best.pth", "best.pth: a released checkpoint does not say its architecture"),
    ("--of wide.pt", "generated images are [1, 24, 24], the real ones [1, 16, 16]"),
    (
        "--of large",
        "the scored images are [1, 24, 24], those to compare with [1, 16, 16] (channels, height, width)",
    ),
    ("--of mixed", "z.png is 24x24, not 16x16"),
    ("--of empty", "empty: no image there that can be read (.png, "),
    ("--of diverged.pt", "the generator makes values that are not finite"),
    ("--of images --against diverged.pt", "the generator makes values that are not finite"),
    ("--of mine --protocol fast", "unknown protocol 'fast'; known: paper, quick"),
    (f"--of five {EVALUATION}.metrics [is]", "10"),
    (f"--of mine {EVALUATION}.metrics [kd]", "samples = 32: kd needs at least 1000, got 32"),
    (f"--of mine --against others.npz {EVALUATION}.metrics [precision_recall]", "need real images"),
    ("--of mine --against absent.npz", "--against absent.npz: no such file or folder"),
    (f"--of mine {EVALUATION}.statistics absent.npz", "absent.npz; `advnas evaluate stats` makes statistics"),
    ("--of mine --against inceptions.npz", "inceptions.npz is of other extractor: inception"),
    ("--of mine --against narrow.npz", "narrow.npz: 9 features, but extractor digits has 64"),
    ("--of mine --against nan.npz", "nan.npz holds values that are NaN or infinite"),
    (f"--of mine {EVALUATION}.statistics others.npz", "others.npz is of other images"),
    (
        f"--of mine {EVALUATION}.extractor inception {EVALUATION}.weights weights.pth",
        "has sha256 ",
    ),
    (f"--of mine {EVALUATION}.metrics [fid]", "fid is the published Inception's; write fd"),
]


@pytest.mark.parametrize(("words", "part"), MISTAKES, ids=[words for words, _ in MISTAKES])
def test_what_cannot_be_scored_is_said_in_one_line(
    words: str, part: str, bad: Path, capsys: pytest.CaptureFixture
) -> None:
    assert bad == Path.cwd()
    capsys.readouterr()
    assert main(["evaluate", "config.yaml", *words.split()]) == 2
    message = capsys.readouterr().err
    assert message.startswith("advnas: ")
    assert part in message
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        "--against absent.npz",
        f"{EVALUATION}.statistics absent.npz",
        f"{EVALUATION}.extractor inception {EVALUATION}.weights weights.pth",
    ],
)
def test_a_missing_file_is_found_before_there_is_a_run(words: str, bad: Path) -> None:
    def runs() -> set[Path]:
        return {folder for folder in (bad / "runs").iterdir() if folder.is_dir()}

    before = runs()
    assert main(["evaluate", "config.yaml", "--of", "images", *words.split()]) == 2
    assert runs() == before


def test_statistics_are_npz_files(place: Path, capsys: pytest.CaptureFixture) -> None:  # noqa: ARG001
    assert main(["evaluate", "stats", "config.yaml", "--out", "digits.csv"]) == 2
    assert "--out digits.csv: statistics are .npz files" in capsys.readouterr().err
