from pathlib import Path

import numpy as np
import pytest
from pyarrow.fs import FileSystem, LocalFileSystem, SubTreeFileSystem, _MockFileSystem

from tests.trainers.datasets.sources import noise, raw_lists, write_parquet
from trainers.datasets import parquet as module
from trainers.datasets.config import ParquetConfig
from trainers.datasets.images import DataError, Images
from trainers.datasets.registry import load_images

PIXELS = noise(6, 1, 4, 4)


def load(path: Path | str, cache: Path) -> Images:
    return load_images(ParquetConfig(path=str(path), image_size=4, channels=1), cache)


def write_shards(folder: Path) -> Path:
    """Three files, one in a subfolder, and one that is none of them."""
    for name, rows in {
        "0.parquet": slice(0, 2),
        "1/a.parquet": slice(2, 3),
        "2.parquet": slice(3, 6),
    }.items():
        write_parquet(folder / name, image=raw_lists(PIXELS[rows]))
    (folder / "README.md").write_text("not Parquet")
    return folder


def stored_in(filesystem: FileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let store://PATH lie in this file system."""
    monkeypatch.setattr(module, "open_filesystem", lambda path: (filesystem, path.removeprefix("store://")))


def test_a_local_file_and_its_uri_hold_the_same_images(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", image=raw_lists(PIXELS))
    assert np.array_equal(load(path, tmp_path / "cache").pixels.numpy(), PIXELS)
    assert np.array_equal(load(path.as_uri(), tmp_path / "cache").pixels.numpy(), PIXELS)


def test_the_files_of_a_folder_are_read_in_the_order_of_their_paths(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "data")
    assert np.array_equal(load(folder, tmp_path / "cache").pixels.numpy(), PIXELS)
    assert np.array_equal(load(folder.as_uri(), tmp_path / "cache").pixels.numpy(), PIXELS)


def test_a_folder_in_a_subtree_of_a_store_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shards(tmp_path / "bucket" / "data")
    stored_in(SubTreeFileSystem(str(tmp_path / "bucket"), LocalFileSystem()), monkeypatch)
    assert np.array_equal(load("store://data", tmp_path / "cache").pixels.numpy(), PIXELS)


def test_a_file_in_a_store_without_local_files_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = _MockFileSystem()
    store.create_dir("bucket/data")
    content = write_parquet(tmp_path / "a.parquet", image=raw_lists(PIXELS)).read_bytes()
    with store.open_output_stream("bucket/data/a.parquet") as stream:
        stream.write(content)
    stored_in(store, monkeypatch)
    for path in ("store://bucket/data/a.parquet", "store://bucket"):
        assert np.array_equal(load(path, tmp_path / "cache").pixels.numpy(), PIXELS)


def test_a_file_damaged_in_its_middle_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", image=raw_lists(PIXELS))
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * 40 + content[44:])
    with pytest.raises(DataError, match=rf"data.path: {path} cannot be read \(.+\)$"):
        load(path, tmp_path / "cache")
    assert list((tmp_path / "cache").glob("[!.]*")) == []


@pytest.mark.parametrize("name", ["", "absent.parquet", "empty"])
def test_nothing_there_is_said_with_the_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "data" / "empty").mkdir(parents=True)
    with pytest.raises(DataError, match=f"data.path: no Parquet file at {tmp_path}/data/?{name}"):
        load(tmp_path / "data" / name, tmp_path)


@pytest.mark.parametrize("uri", ["nostore://bucket/a.parquet", "file://relative/a.parquet"])
def test_a_uri_that_leads_nowhere_is_the_users_error(tmp_path: Path, uri: str) -> None:
    with pytest.raises(DataError, match=f"data.path: {uri} cannot be read"):
        load(uri, tmp_path)


def test_a_file_that_is_not_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"junk" * 100)
    with pytest.raises(DataError, match=f"data.path: {tmp_path}/a.parquet cannot be read .*[Pp]arquet"):
        load(tmp_path / "a.parquet", tmp_path)
