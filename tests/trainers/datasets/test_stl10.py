from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest
from PIL import Image

from tests.trainers.datasets.sources import noise, write_stl10
from trainers.datasets.config import Stl10Config
from trainers.datasets.images import DataError
from trainers.datasets.registry import load_images

PARTS = {
    "train": noise(12, 3, 96, 96),
    "unlabeled": noise(5, 3, 96, 96, seed=1),
    "test": noise(3, 3, 96, 96, seed=2),
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_stl10(tmp_path / "data", monkeypatch, **PARTS)
    return tmp_path / "data"


def test_the_default_is_all_training_images_at_48_as_torchvision_shrinks_them(
    root: Path, tmp_path: Path
) -> None:
    images = load_images(Stl10Config(root=root), tmp_path)
    originals = np.concatenate([PARTS["train"], PARTS["unlabeled"]]).transpose(0, 2, 3, 1)
    shrunk = [Image.fromarray(image).resize((48, 48), Image.Resampling.BILINEAR) for image in originals]
    assert np.array_equal(
        images.pixels.numpy().transpose(0, 2, 3, 1), np.stack([np.asarray(i) for i in shrunk])
    )


def test_unlabelled_images_have_label_minus_one(root: Path, tmp_path: Path) -> None:
    labels = load_images(Stl10Config(root=root), tmp_path).labels
    assert labels is not None
    assert labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, -1, -1, -1, -1, -1]


@pytest.mark.parametrize("split", ["train", "unlabeled", "test"])
def test_a_split_at_its_own_size_is_untouched(root: Path, tmp_path: Path, split: str) -> None:
    config = Stl10Config(root=root, split=split, image_size=96)  # type: ignore[arg-type]
    assert np.array_equal(load_images(config, tmp_path).pixels.numpy(), PARTS[split])


def test_the_prepared_file_serves_without_the_originals(root: Path, tmp_path: Path) -> None:
    first = load_images(Stl10Config(root=root), tmp_path)
    rmtree(root)
    assert load_images(Stl10Config(root=root), tmp_path).content_hash == first.content_hash


def test_absent_originals_are_named_before_anything_is_prepared(root: Path, tmp_path: Path) -> None:
    rmtree(root)
    with pytest.raises(DataError, match=f"data.root: no intact STL10 in {root}/stl10_binary"):
        load_images(Stl10Config(root=root), tmp_path / "cache")
    assert list((tmp_path / "cache").glob("[!.]*")) == []
