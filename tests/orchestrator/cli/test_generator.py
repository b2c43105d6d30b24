"""`advnas generate` and `advnas export`, from the command line to the files."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from orchestrator.__main__ import main
from search_space.genotype import Genotype
from search_space.networks.generator_file import save_generator
from tests.orchestrator.trained import CONFIG, GENOTYPE, save_released, save_trained, trained
from trainers.samples import generated


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return save_trained(tmp_path / "generator.pt")


def expected(count: int, seed: int) -> np.ndarray:
    """Images [n, 16, 16]."""
    batches = generated(trained(), CONFIG.latent_dim, count, seed, count, torch.device("cpu"))
    return torch.cat(list(batches))[:, 0].numpy()


def close(images: np.ndarray, others: np.ndarray) -> bool:
    """Batches of other sizes round differently, which may show as one grey level."""
    return images.shape == others.shape and np.abs(images.astype(int) - others).max() <= 1


def test_an_array_holds_the_images_channels_last(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "images.npz"
    assert main(["generate", str(file), "--out", str(target), "--count", "9", "--batch-size", "4"]) == 0
    images = np.load(target)["arr_0"]
    assert (images.shape, images.dtype) == ((9, 16, 16, 1), np.uint8)
    assert close(images[..., 0], expected(9, seed=0))


def test_a_folder_holds_them_by_number(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "images"
    assert main(["generate", str(file), "--out", str(target), "--count", "3", "--seed", "5"]) == 0
    paths = sorted(target.iterdir())
    assert [path.name for path in paths] == ["000000.png", "000001.png", "000002.png"]
    assert close(np.stack([np.asarray(Image.open(path)) for path in paths]), expected(3, seed=5))


def test_a_grid_shows_them_in_rows_of_eight(tmp_path: Path) -> None:
    released = save_released(tmp_path / "best.pth")
    target = tmp_path / "grid.png"
    assert (
        main(["generate", str(released), "--genotype", "eagan", "--out", str(target), "--count", "16"]) == 0
    )
    with Image.open(target) as grid:
        factor = grid.width // (8 * 18 - 2)
        assert grid.size == ((8 * 18 - 2) * factor, (2 * 18 - 2) * factor)
        pixels = np.asarray(grid)[::factor, ::factor]
    assert close(pixels[18:34, 0:16], expected(16, seed=0)[8])


def test_the_result_says_what_was_made(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["generate", str(file), "--out", str(tmp_path / "x.npz"), "--count", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "images": str(tmp_path / "x.npz"),
        "count": 2,
        "seed": 0,
        "genotype": GENOTYPE.content_hash,
    }


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_an_export_computes_the_same_without_our_code(
    suffix: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    target = tmp_path / f"alone{suffix}"
    assert main(["export", str(file), "--out", str(target), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    card = json.loads((tmp_path / f"alone{suffix}.json").read_text())
    assert Genotype.model_validate(card["genotype"]) == GENOTYPE
    assert card["output"]["shape"] == ["batch", 1, 16, 16]
    assert result["largest_difference"] < 1e-5
    z = torch.randn(3, CONFIG.latent_dim)
    images, inside = (run_program if suffix == ".pt2" else run_onnx)(target, z)
    assert json.loads(inside) == card
    torch.testing.assert_close(images, trained()(z).detach(), rtol=0, atol=1e-5)


def run_program(path: Path, z: torch.Tensor) -> tuple[torch.Tensor, str]:
    texts = {"advnas.json": ""}
    program = torch.export.load(path, extra_files=texts)
    return program.module()(z), texts["advnas.json"]


def run_onnx(path: Path, z: torch.Tensor) -> tuple[torch.Tensor, str]:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(path)
    images = session.run(["images"], {"z": z.numpy()})[0]
    return torch.from_numpy(images), session.get_modelmeta().custom_metadata_map["advnas.json"]


def test_without_the_packages_of_onnx_the_command_that_installs_them_is_named(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    assert main(["export", str(file), "--out", str(tmp_path / "x.onnx")]) == 2
    assert "pip install onnx onnxscript onnxruntime" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["generator.pt"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("generate generator.pt --out x.gif", "x.gif: unknown suffix '.gif'; use .png, .npz, or none"),
        ("generate generator.pt --out full", "full: is not empty, and images of two kinds must not mix"),
        ("generate generator.pt --out generator.pt/x.png", "generator.pt/x.png: "),
        ("generate nobody --out x.png", "nobody: no trained generator of that name"),
        ("generate diverged.pt --out x.png", "the generator makes values that are not finite"),
        ("generate generator.pt --out x.png --gpu", "--gpu: torch finds no GPU on this machine"),
        ("export generator.pt --out x.h5", "x.h5: unknown suffix '.h5'; use .onnx or .pt2"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    words: str,
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    save_trained(tmp_path / "generator.pt")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    nan = {name: value * float("nan") for name, value in trained().state_dict().items()}
    save_generator(tmp_path / "diverged.pt", CONFIG, GENOTYPE, nan)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "photo.png").touch()
    before = sorted(tmp_path.rglob("*"))
    assert main(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"advnas: {part}")
    assert err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before
