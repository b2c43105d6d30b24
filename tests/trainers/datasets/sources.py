"""Small data sets on disk, in the formats that their publishers use."""

import hashlib
import pickle
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from torchvision.datasets import CIFAR10, STL10


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Random bytes."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    """An image file of an array [h, w] or [h, w, c]."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def write_cifar10(root: Path, monkeypatch: pytest.MonkeyPatch, train: np.ndarray, test: np.ndarray) -> Path:
    """CIFAR-10's five training files and one test file of images [n, 3, 32, 32]; labels count up modulo 10.

    torchvision is told the checksums of these files instead of the published ones, and still checks them.
    """
    folder = root / CIFAR10.base_folder
    folder.mkdir(parents=True)
    labels = np.arange(len(train)) % 10
    parts = {f"data_batch_{i + 1}": rows for i, rows in enumerate(np.array_split(np.arange(len(train)), 5))}
    for name, rows in parts.items():
        content = {"data": train[rows].reshape(len(rows), -1), "labels": labels[rows].tolist()}
        (folder / name).write_bytes(pickle.dumps(content))
    content = {"data": test.reshape(len(test), -1), "labels": (np.arange(len(test)) % 10).tolist()}
    (folder / "test_batch").write_bytes(pickle.dumps(content))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("0123456789")}))
    monkeypatch.setattr(CIFAR10, "train_list", [[name, md5(folder / name)] for name in parts])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", md5(folder / "test_batch")]])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": md5(folder / "batches.meta")})
    return folder


def write_stl10(root: Path, monkeypatch: pytest.MonkeyPatch, **images: np.ndarray) -> Path:
    """STL-10's binary files of images [n, 3, 96, 96] by part; labels count up from 1, as published.

    torchvision is told the checksums of these files instead of the published ones, and still checks them.
    """
    folder = root / STL10.base_folder
    folder.mkdir(parents=True)
    for part in ("train", "unlabeled", "test"):
        pixels = images.get(part, noise(2, 3, 96, 96))
        # Published column by column: the transpose of what is shown.
        (folder / f"{part}_X.bin").write_bytes(pixels.transpose(0, 1, 3, 2).tobytes())
        if part != "unlabeled":
            (folder / f"{part}_y.bin").write_bytes(
                (np.arange(len(pixels)) % 10 + 1).astype(np.uint8).tobytes()
            )
    for files in ("train_list", "test_list"):
        names = [name for name, _ in getattr(STL10, files)]
        monkeypatch.setattr(STL10, files, [[name, md5(folder / name)] for name in names])
    return folder


def write_images(root: Path, **images: np.ndarray) -> Path:
    """PNG files of arrays, named by their keywords; `a__b` is `b` in the subfolder `a`."""
    for name, pixels in images.items():
        path = root / f"{name.replace('__', '/')}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return root


def write_parquet(path: Path, *, row_group_size: int = 2, **columns: pa.Array | list) -> Path:
    """A Parquet file of several row groups."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, row_group_size=row_group_size)
    return path


def raw_lists(pixels: np.ndarray) -> pa.Array:
    """Images as fixed-size lists of uint8, in the array's own order."""
    return pa.FixedSizeListArray.from_arrays(pa.array(pixels.reshape(-1)), pixels[0].size)
