import fcntl
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainers.datasets.sources import noise
from trainers.datasets.config import DigitsConfig, Stl10Config
from trainers.datasets.images import DataError, Images
from trainers.datasets.preparing import Block, Recipe, prepared, recipe_key

PIXELS = torch.from_numpy(noise(10, 3, 8, 8))
LABELS = torch.arange(10)


def blocks() -> Iterator[Block]:
    """Ten labelled images in blocks of four."""
    yield from map(Block, PIXELS.split(4), LABELS.split(4))


def recipe(make: Callable[[], Iterator[Block]] = blocks) -> Recipe:
    return Recipe("made-0123456789abcdef", source="data.root: /somewhere", shape=(3, 8, 8), blocks=make)


def never() -> Iterator[Block]:
    raise AssertionError("prepared a second time")


def files(cache: Path) -> list[str]:
    """All but the lock."""
    return sorted(path.name for path in cache.glob("[!.]*"))


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """Files of this process cannot grow beyond `size` bytes, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_prepared_images_are_those_of_the_blocks(tmp_path: Path) -> None:
    images = prepared(recipe(), tmp_path)
    assert torch.equal(images.pixels, PIXELS)
    assert images.labels is not None
    assert torch.equal(images.labels, LABELS)
    assert images.content_hash == Images.of(PIXELS, LABELS).content_hash


def test_a_set_without_labels_stays_without(tmp_path: Path) -> None:
    images = prepared(recipe(lambda: iter([Block(PIXELS, None)])), tmp_path)
    assert images.labels is None
    assert images.content_hash == Images.of(PIXELS).content_hash


def test_blocks_of_strided_pixels_are_written_in_their_order(tmp_path: Path) -> None:
    strided = torch.from_numpy(noise(10, 8, 8, 3)).permute(0, 3, 1, 2)
    assert torch.equal(prepared(recipe(lambda: iter([Block(strided, None)])), tmp_path).pixels, strided)


def test_images_are_prepared_once_into_one_file(tmp_path: Path) -> None:
    first = prepared(recipe(), tmp_path / "new" / "cache")
    second = prepared(recipe(never), tmp_path / "new" / "cache")
    assert files(tmp_path / "new" / "cache") == ["made-0123456789abcdef.arrow"]
    assert torch.equal(second.pixels, first.pixels)
    assert second.content_hash == first.content_hash


def test_prepared_images_are_the_bytes_of_the_file_and_no_copy(tmp_path: Path) -> None:
    images = prepared(recipe(), tmp_path)
    path = tmp_path / "made-0123456789abcdef.arrow"
    changed = PIXELS[0, 0, 0, 0].item() ^ 255
    with path.open("r+b") as file:
        file.seek(path.read_bytes().index(PIXELS.numpy().tobytes()))
        file.write(bytes([changed]))
    assert images.pixels[0, 0, 0, 0] == changed


@settings(deadline=None, max_examples=30)
@given(kept=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_short_anywhere_is_made_anew(
    tmp_path_factory: pytest.TempPathFactory, kept: float
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    prepared(recipe(), cache)
    path = cache / "made-0123456789abcdef.arrow"
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    assert torch.equal(prepared(recipe(), cache).pixels, PIXELS)
    assert path.read_bytes() == content


def test_a_mapped_set_outlives_its_file(tmp_path: Path) -> None:
    images = prepared(recipe(), tmp_path)
    (tmp_path / "made-0123456789abcdef.arrow").unlink()
    assert torch.equal(images.pixels, PIXELS)


def prepare_slowly(cache: Path, log: Path, barrier: Barrier) -> None:
    """One process of two: reports what it made and what it got."""

    def slow_blocks() -> Iterator[Block]:
        with log.open("a") as file:
            file.write("made\n")
        time.sleep(0.3)
        yield from blocks()

    barrier.wait()
    images = prepared(recipe(slow_blocks), cache)
    with log.open("a") as file:
        file.write(f"{images.content_hash}\n")


@pytest.mark.parametrize(("locks", "made"), [(True, 1), (False, 2)])
def test_two_processes_may_prepare_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locks: bool, made: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("this file system knows no locks")

    if not locks:
        monkeypatch.setattr(fcntl, "flock", refuse)
    context = multiprocessing.get_context("fork")
    barrier, cache, log = context.Barrier(2), tmp_path / "cache", tmp_path / "log"
    workers = [
        context.Process(target=prepare_slowly, args=(cache, log, barrier), daemon=True) for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
        assert worker.exitcode == 0
    lines = log.read_text().split()
    assert lines.count("made") == made
    assert lines.count(Images.of(PIXELS, LABELS).content_hash) == 2
    assert files(cache) == ["made-0123456789abcdef.arrow"]


@pytest.mark.parametrize(
    "size", [PIXELS.nbytes - 1, PIXELS.nbytes + 100], ids=["gathering", "writing the file"]
)
def test_a_full_disk_is_the_users_error_and_leaves_nothing(tmp_path: Path, size: int) -> None:
    with disk_of(size), pytest.raises(DataError, match=r"cache folder .*File too large.*free some space"):
        prepared(recipe(), tmp_path)
    assert files(tmp_path) == []
    assert torch.equal(prepared(recipe(), tmp_path).pixels, PIXELS)


def test_a_cache_folder_that_cannot_be_made_is_the_users_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cache folder"):
        prepared(recipe(), tmp_path / "file")


def test_a_source_without_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data.root: /somewhere: holds no image"):
        prepared(recipe(lambda: iter([])), tmp_path)
    assert files(tmp_path) == []


def test_a_source_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[Block]:
        yield Block(PIXELS, LABELS)
        raise DataError("the store is gone")

    with pytest.raises(DataError, match="the store is gone"):
        prepared(recipe(broken), tmp_path)
    assert files(tmp_path) == []


def test_the_key_names_the_set_and_depends_on_options_and_source() -> None:
    keys = [
        recipe_key("digits", DigitsConfig(), ["a"]),
        recipe_key("digits", DigitsConfig(), ["b"]),
        recipe_key("digits", DigitsConfig(channels=3), ["a"]),
        recipe_key("other", DigitsConfig(), ["a"]),
    ]
    assert len(set(keys)) == 4
    assert keys[0] == recipe_key("digits", DigitsConfig(), ["a"])
    assert keys[0].startswith("digits-")


def test_where_the_source_lies_does_not_change_the_key() -> None:
    here, there = Stl10Config(root=Path("here")), Stl10Config(root=Path("there"), download=True)
    assert recipe_key("stl10", here, []) == recipe_key("stl10", there, [])


def test_the_pixels_of_a_file_follow_the_arrow_format(tmp_path: Path) -> None:
    prepared(recipe(), tmp_path)
    with pa.memory_map(str(tmp_path / "made-0123456789abcdef.arrow")) as file:
        table = pa.ipc.open_file(file).read_all()
        assert table.schema.field("pixels").type == pa.list_(pa.uint8(), 3 * 8 * 8)
        assert np.array_equal(table["pixels"][7].values, PIXELS[7].flatten().numpy())
        assert table["labels"].to_pylist() == list(range(10))
