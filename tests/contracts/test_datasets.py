"""What every registered data set promises. Whoever registers one adds an example of it here."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pytest
import sklearn.datasets
import torch
from pydantic import TypeAdapter, ValidationError
from sklearn.utils import Bunch

from tests.trainers.datasets.sources import (
    encoded,
    noise,
    write_cifar10,
    write_images,
    write_parquet,
    write_stl10,
)
from trainers.datasets.batches import Batches
from trainers.datasets.config import DataConfig
from trainers.datasets.images import Images
from trainers.datasets.registry import DATASETS, load_images

COUNT = 12
"""Images in every example."""

Options = dict[str, Any]


def cifar10(root: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> Options:
    write_cifar10(root, monkeypatch, noise(COUNT, 3, 32, 32, seed=seed), noise(2, 3, 32, 32))
    return {"root": root}


def digits(_: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> Options:
    ink = noise(COUNT, 8, 8, seed=seed) % 17
    bundled = Bunch(images=ink.astype(np.float64), target=np.arange(COUNT))
    monkeypatch.setattr(sklearn.datasets, "load_digits", lambda: bundled)
    return {}


def image_folder(root: Path, _: pytest.MonkeyPatch, seed: int) -> Options:
    images = {f"image{i:02}": noise(30 + i, 40 - i, 3, seed=100 * seed + i) for i in range(COUNT)}
    return {"root": write_images(root, **images)}


def parquet(root: Path, _: pytest.MonkeyPatch, seed: int) -> Options:
    images = [encoded(noise(30 + i, 40 - i, 3, seed=100 * seed + i)) for i in range(COUNT)]
    path = write_parquet(root / "a.parquet", image=pa.array(images), digit=list(range(COUNT)))
    return {"path": str(path), "label_column": "digit"}


def stl10(root: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> Options:
    pixels = noise(COUNT, 3, 96, 96, seed=seed)
    write_stl10(root, monkeypatch, train=pixels[:5], unlabeled=pixels[5:])
    return {"root": root}


EXAMPLES: Mapping[str, Callable[[Path, pytest.MonkeyPatch, int], Options]] = {
    "cifar10": cifar10,
    "digits": digits,
    "image_folder": image_folder,
    "parquet": parquet,
    "stl10": stl10,
}


class Example:
    """One data set on disk, whose content depends on the seed alone."""

    def __init__(self, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name, self._folder, self._monkeypatch = name, folder, monkeypatch
        self._options = self._written(seed=0)

    def _written(self, seed: int) -> Options:
        return EXAMPLES[self.name](self._folder / f"seed{seed}", self._monkeypatch, seed)

    def change(self) -> None:
        """Go on with other images of the same number and sizes."""
        self._options = self._written(seed=1)

    def config(self, **options: Any) -> Any:
        return TypeAdapter(DataConfig).validate_python(
            {"name": self.name, "image_size": 16, **self._options, **options}
        )

    def load(self, cache: str = "cache", **options: Any) -> Images:
        return load_images(self.config(**options), self._folder / cache)


@pytest.fixture(params=DATASETS)
def example(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Example:
    return Example(request.param, tmp_path, monkeypatch)


def test_a_configuration_is_registered_under_its_own_name() -> None:
    union = get_args(get_args(DataConfig)[0])
    assert {config.model_fields["name"].default for config in union} == set(DATASETS)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("image_size", [8, 16])
def test_images_have_the_configured_size_and_channels(
    example: Example, channels: int, image_size: int
) -> None:
    images = example.load(channels=channels, image_size=image_size)
    assert images.pixels.dtype == torch.uint8
    assert images.pixels.shape == (COUNT, channels, image_size, image_size)
    assert (len(images), images.channels, images.image_size) == (COUNT, channels, image_size)


def test_images_differ_and_use_the_whole_range(example: Example) -> None:
    pixels = example.load().pixels
    assert len(torch.unique(pixels, dim=0)) == COUNT
    assert pixels.max() > 150
    assert pixels.min() < 100


def test_labels_are_integers_one_an_image_where_there_are_any(example: Example) -> None:
    labels = example.load().labels
    if labels is not None:
        assert labels.dtype == torch.int64
        assert labels.shape == (COUNT,)
        assert labels.min() >= -1


def test_one_channel_is_the_luma_of_three(example: Example) -> None:
    gray, colour = example.load(channels=1).pixels, example.load(channels=3).pixels.double()
    luma = 0.299 * colour[:, 0] + 0.587 * colour[:, 1] + 0.114 * colour[:, 2]
    assert (luma - gray[:, 0]).abs().max() <= 1.5  # both are rounded, before and after resizing


def test_the_hash_is_the_contents_and_the_same_at_every_load(example: Example) -> None:
    first, again, elsewhere = example.load(), example.load(), example.load(cache="another")
    assert first.content_hash == again.content_hash == elsewhere.content_hash
    assert first.content_hash == Images.of(first.pixels, first.labels).content_hash


def test_other_images_have_another_content_hash(example: Example) -> None:
    before = example.load()
    example.change()
    after = example.load()
    assert after.pixels.shape == before.pixels.shape
    assert after.content_hash != before.content_hash
    assert not torch.equal(after.pixels, before.pixels)


def test_other_rules_for_the_same_images_have_another_content_hash(example: Example) -> None:
    sets = [{}, {"image_size": 8}, {"channels": 1}, {"channels": 3, "image_size": 8}]
    wanted = [example.config(**options) for options in sets]
    content_hashes = {example.load(**options).content_hash for options in sets}
    assert len(content_hashes) == len({(config.image_size, config.channels) for config in wanted})


def test_batches_of_the_images_can_be_had(example: Example) -> None:
    batch = Batches(example.load(), batch_size=8, seed=0, rank=1, world_size=2).at(5)
    assert batch.shape[0] == 4
    assert batch.min() >= -1
    assert batch.max() <= 1


def test_a_configuration_survives_json_and_cannot_be_changed(example: Example) -> None:
    config = example.config()
    adapter = TypeAdapter(DataConfig)
    assert adapter.validate_json(adapter.dump_json(config)) == config
    with pytest.raises(ValidationError, match="frozen"):
        config.image_size = 9


def test_a_misspelt_option_is_refused_by_name(example: Example) -> None:
    with pytest.raises(ValidationError, match="imagesize"):
        example.config(imagesize=16)
