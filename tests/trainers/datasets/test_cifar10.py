from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.trainers.datasets.sources import noise, write_cifar10
from trainers.datasets.cifar10 import load_cifar10
from trainers.datasets.config import Cifar10Config

TRAIN, TEST = noise(23, 3, 32, 32), noise(4, 3, 32, 32, seed=1)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_cifar10(tmp_path, monkeypatch, TRAIN, TEST)
    return tmp_path


def test_the_training_images_come_in_the_order_of_the_files_with_their_labels(root: Path) -> None:
    images = load_cifar10(Cifar10Config(root=root))
    assert np.array_equal(images.pixels.numpy(), TRAIN)
    assert images.labels is not None
    assert images.labels.tolist() == [i % 10 for i in range(23)]


def test_the_test_split_has_the_test_images(root: Path) -> None:
    assert np.array_equal(load_cifar10(Cifar10Config(root=root, split="test")).pixels.numpy(), TEST)


def test_another_size_is_resized_as_by_torchvision(root: Path) -> None:
    shrunk = Image.fromarray(TRAIN[5].transpose(1, 2, 0)).resize((16, 16), Image.Resampling.BILINEAR)
    pixels = load_cifar10(Cifar10Config(root=root, image_size=16)).pixels
    assert np.array_equal(pixels[5].numpy(), np.asarray(shrunk).transpose(2, 0, 1))


def test_one_channel_is_the_luma(root: Path) -> None:
    gray = np.asarray(Image.fromarray(TRAIN[5].transpose(1, 2, 0)).convert("L"))
    pixels = load_cifar10(Cifar10Config(root=root, channels=1)).pixels
    assert torch.equal(pixels[5, 0], torch.from_numpy(gray.copy()))
